//! `/team/invitations/{id}/withdraw`: the end of an invitation.

use claviger_model::ids::InvitationId;
use claviger_service::invitations::{self, NamedInvitation};
use claviger_service::{Caller, Error};

use super::{PATH, refused};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::see_other;
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::Form;
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Asks whether the invitation is to be withdrawn.
pub async fn ask(portal: Portal, Id(id): Id<InvitationId>) -> Answer {
    let found = find(&portal, id).await?;
    Ok(page(&portal, &found).await?.answer())
}

/// Withdraws it.
pub async fn withdraw(Id(id): Id<InvitationId>, submission: Submission) -> Answer {
    let portal = &submission.portal;
    let found = find(portal, id).await?;
    let access = portal.allowed(Caller::team).await?;
    match invitations::withdraw(portal.web.app(), &access, id).await {
        Ok(()) => Ok(see_other(&portal.href(format!("{PATH}?done=withdrawn")))),
        Err(error) => {
            let page = page(portal, &found).await?;
            let form = refused(page.form, portal, error)?;
            Ok(ConfirmPage { form, ..page }.answer())
        }
    }
}

async fn find(portal: &Portal, id: InvitationId) -> Result<NamedInvitation, Failure> {
    let access = portal.allowed(Caller::team).await?;
    let open = invitations::list(portal.web.app(), &access).await?;
    let found = open.into_iter().find(|one| one.id == id);
    Ok(found.ok_or_else(|| Error::not_found("invitation"))?)
}

async fn page(portal: &Portal, found: &NamedInvitation) -> Result<ConfirmPage, Failure> {
    Ok(ConfirmPage {
        frame: portal.shell(Section::Team, Band::Neither).await?,
        title: format!("Withdraw the invitation of {}?", found.email),
        consequences: vec![
            "Its link stops working at once.".to_owned(),
            "You can invite the same address again.".to_owned(),
        ],
        warning: None,
        form: Form::new(portal, "Withdraw").cancel(portal.href(PATH), "Keep it"),
    })
}
