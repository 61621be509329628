//! `/team/invite`: a new invitation, and the one moment at which its link is shown.

use claviger_service::Caller;
use claviger_service::access::TeamAccess;
use claviger_service::invitations::{self, Invited};
use claviger_service::mail;

use super::{PATH, back, refused, role_field};
use crate::error::Failure;
use crate::oauth::parameters::escape;
use crate::pages::Fields;
use crate::pages::invitation;
use crate::portal::form::{Field, Form, FormPage};
use crate::portal::once::{FORM_ID, SecretPage, ShownOnce};
use crate::portal::parts::When;
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Shows the form; a link can fill it in.
pub async fn show(portal: Portal) -> Answer {
    let access = portal.allowed(Caller::team).await?;
    let page = page(&portal, &access, &portal.query, None).await?;
    Ok(page.answer())
}

/// Makes the invitation and shows its link.
pub async fn create(submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = portal.allowed(Caller::team).await?;
    let key = submission.idempotency_key()?;
    let (email, role) = (
        submission.fields.get("email").unwrap_or_default(),
        submission.fields.get("role").unwrap_or_default(),
    );
    let app = portal.web.app();
    match invitations::create(app, &access, email, role, key.as_ref()).await {
        Ok(invited) => Ok(submission.shown_once(secret_page(&submission, &invited).await?)),
        Err(error) => {
            let form_id = submission.fields.get(FORM_ID);
            let page = page(portal, &access, &submission.fields, form_id).await?;
            let form = refused(page.form, portal, error)?;
            Ok(FormPage { form, ..page }.answer())
        }
    }
}

async fn page(
    portal: &Portal,
    access: &TeamAccess,
    typed: &Fields,
    sent: Option<&str>,
) -> Result<FormPage, Failure> {
    let back = back(portal);
    let email = Field::of_kind("email", "email", "Email", typed.text("email", ""));
    let role = role_field(portal, access, &typed.text("role", "developer")).await?;
    let form = Form::new(portal, "Make invitation")
        .creating(portal, sent)?
        .cancel(&back.0, "Cancel")
        .field(
            email
                .required()
                .length_max(254)
                .hint("Whoever holds the link and this address becomes the member."),
        )
        .field(role);
    Ok(FormPage {
        frame: portal.shell(Section::Team, Band::Neither).await?,
        title: "Invite somebody".to_owned(),
        intro: "You get a link to send, which works once and for seven days.".to_owned(),
        back,
        form,
    })
}

async fn secret_page(submission: &Submission, invited: &Invited) -> Result<SecretPage, Failure> {
    let portal = &submission.portal;
    let now = portal.web.app().sources().now();
    let invitation = &invited.invitation;
    let issuer = &portal.web.app().settings().public_url;
    let link = submission.to_show(invited.token.as_ref()).map(|token| {
        let query = escape(token);
        format!("{issuer}{}?{}={query}", invitation::PATH, invitation::TOKEN)
    });
    let ends = When::of(invitation.expires_at, now).exact;
    Ok(SecretPage {
        frame: portal.shell(Section::Team, Band::Neither).await?,
        title: format!("{} is invited", invitation.email),
        shown: link
            .map(|link| ShownOnce::new("link", link))
            .into_iter()
            .collect(),
        about: format!(
            "{} {}. It works once, until {ends}, and makes them {} of the account.",
            if mail::is_on(portal.web.app()) {
                "It is sent to"
            } else {
                "Send it to"
            },
            invitation.email,
            invitation.role_name
        ),
        samples: Vec::new(),
        when_lost: "If it is lost, withdraw the invitation and make another.".to_owned(),
        own_page: portal.href(format!("{PATH}#invitations")),
        next: back(portal),
    })
}
