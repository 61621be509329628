//! `/account/password`: another password, and a session with another token.

use claviger_service::{sessions, users};
use zeroize::Zeroizing;

use super::{PATH, back};
use crate::error::Failure;
use crate::pages::session;
use crate::portal::form::{Field, Form, FormPage, again};
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Shows the form.
pub async fn show(portal: Portal) -> Answer {
    Ok(page(&portal).await?.answer())
}

/// Changes the password.
pub async fn change(submission: Submission) -> Answer {
    let portal = &submission.portal;
    let app = portal.web.app();
    let typed = |name: &str| {
        let sent = submission.fields.get(name).unwrap_or_default();
        Zeroizing::new(sent.to_owned())
    };
    let (old, new) = (typed("old_password"), typed("new_password"));
    if let Err(error) = users::change_password(app, portal.caller(), old, new).await {
        return again(portal, page(portal).await?, error);
    }
    // Whoever got hold of this session's token is out with the others.
    let started = sessions::renew(app, portal.caller()).await?;
    let to = portal.href(format!("{PATH}?done=password"));
    Ok(session::go_on(&portal.web, &started, &to))
}

async fn page(portal: &Portal) -> Result<FormPage, Failure> {
    let back = back(portal);
    let old = Field::of_kind("password", "old_password", "Current password", "");
    let new = Field::of_kind("password", "new_password", "New password", "");
    let form = Form::new(portal, "Change password")
        .cancel(&back.0, "Cancel")
        .field(old.required().autocomplete("current-password"))
        .field(
            new.required()
                .length_max(256)
                .autocomplete("new-password")
                .hint("At least 12 characters, and none of those that everybody guesses first."),
        );
    Ok(FormPage {
        frame: portal.shell(Section::Account, Band::Neither).await?,
        title: "Change password".to_owned(),
        intro: "Every other session of yours ends, and apps that you connected ask you again."
            .to_owned(),
        back,
        form,
    })
}
