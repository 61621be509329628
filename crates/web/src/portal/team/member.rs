//! `/team/{user_id}`: a member's role; `/team/{user_id}/remove`: the end of a membership.

use claviger_model::ids::UserId;
use claviger_service::Caller;
use claviger_service::access::TeamAccess;
use claviger_service::members::{self, NamedMember};

use super::{PATH, back, refused, role_field};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::{Fields, see_other};
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::{Field, Form, FormPage};
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Shows the form with the member's role.
pub async fn show(portal: Portal, Id(id): Id<UserId>) -> Answer {
    let access = portal.allowed(Caller::team).await?;
    let member = members::show(portal.web.app(), &access, id).await?;
    let page = page(&portal, &access, &portal.query, &member).await?;
    Ok(page.answer())
}

/// Gives the member another role.
pub async fn save(Id(id): Id<UserId>, submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = portal.allowed(Caller::team).await?;
    let app = portal.web.app();
    let member = members::show(app, &access, id).await?;
    let role = submission.fields.get("role").unwrap_or_default().to_owned();
    let version = submission.fields.get("version");
    let version = version.and_then(|version| version.parse().ok());
    match members::edit(app, &access, id, role, version).await {
        Ok(_) => Ok(see_other(&portal.href(format!("{PATH}?done=role")))),
        Err(error) => {
            let page = page(portal, &access, &submission.fields, &member).await?;
            let form = refused(page.form, portal, error)?;
            Ok(FormPage { form, ..page }.answer())
        }
    }
}

/// Asks whether the member is to be removed.
pub async fn ask(portal: Portal, Id(id): Id<UserId>) -> Answer {
    let access = portal.allowed(Caller::team).await?;
    let member = members::show(portal.web.app(), &access, id).await?;
    let page = confirm(&portal, &access, &member).await?;
    Ok(page.answer())
}

/// Removes the member.
pub async fn remove(Id(id): Id<UserId>, submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = portal.allowed(Caller::team).await?;
    let app = portal.web.app();
    let member = members::show(app, &access, id).await?;
    match members::remove(app, &access, id).await {
        Ok(()) => Ok(see_other(&portal.href(format!("{PATH}?done=removed")))),
        Err(error) => {
            let page = confirm(portal, &access, &member).await?;
            let form = refused(page.form, portal, error)?;
            Ok(ConfirmPage { form, ..page }.answer())
        }
    }
}

async fn page(
    portal: &Portal,
    access: &TeamAccess,
    typed: &Fields,
    member: &NamedMember,
) -> Result<FormPage, Failure> {
    let back = back(portal);
    let labels = &portal.web.app().settings().portal.labels;
    let chosen = typed.text("role", &member.role.to_string());
    let version = typed.text("version", &member.version.to_string());
    let form = Form::new(portal, &labels.save)
        .cancel(&back.0, "Cancel")
        .field(Field::hidden("version", version))
        .field(Field::fixed("email", "Email", &member.email))
        .field(role_field(portal, access, &chosen).await?);
    Ok(FormPage {
        frame: portal.shell(Section::Team, Band::Neither).await?,
        title: format!("Role of {}", member.called()),
        intro: "It holds from the member's next request on. Apps that act for the member may do \
                no more than the role."
            .to_owned(),
        back,
        form,
    })
}

async fn confirm(
    portal: &Portal,
    access: &TeamAccess,
    member: &NamedMember,
) -> Result<ConfirmPage, Failure> {
    let app = portal.web.app();
    let labels = &app.settings().portal.labels;
    let made = members::keys_made(app, access, &[member.user_id]).await?;
    let made = made.get(&member.user_id).copied().unwrap_or_default();
    let is_oneself = portal.session.user().user_id == member.user_id;
    let frame = portal.shell(Section::Team, Band::Neither).await?;
    let (called, account) = (member.called(), &frame.account);
    let (title, button, who) = if is_oneself {
        (format!("Leave {account}?"), "Leave", "You are".to_owned())
    } else {
        let title = format!("Remove {called} from {account}?");
        (title, "Remove", format!("{called} is"))
    };
    let keys = &labels.api_keys;
    let kept = match made {
        0 => "There are no keys that would stay.".to_owned(),
        1 => format!(
            "The one of \u{201c}{keys}\u{201d} that {called} made stays and works on: it is the \
             account's."
        ),
        _ => format!(
            "The {made} of \u{201c}{keys}\u{201d} that {called} made stay and work on: they are \
             the account's."
        ),
    };
    let warning = (made > 0).then(|| {
        format!("{called} may have copies of these keys. Make new ones and revoke the old ones.")
    });
    Ok(ConfirmPage {
        consequences: vec![
            format!(
                "{who} signed out of {account} at once, on every node. An invitation alone leads \
                 back."
            ),
            format!("What apps may do here for {called} ends, with the tokens that they have."),
            kept,
        ],
        warning,
        form: Form::new(portal, button).cancel(portal.href(PATH), "Keep"),
        title,
        frame,
    })
}
