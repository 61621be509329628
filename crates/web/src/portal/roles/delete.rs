//! `/roles/{id}/delete`: the end of a role.

use claviger_model::ids::RoleId;
use claviger_model::roles::RoleRef;
use claviger_service::Caller;
use claviger_service::roles::{self, NamedRole};

use super::PATH;
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::see_other;
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::Form;
use crate::portal::team::refused;
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Asks whether the role is to be deleted.
pub async fn ask(portal: Portal, Id(id): Id<RoleId>) -> Answer {
    let access = portal.allowed(Caller::team).await?;
    let role = roles::show(portal.web.app(), &access, &id.to_string()).await?;
    Ok(page(&portal, &role).await?.answer())
}

/// Deletes it.
pub async fn delete(Id(id): Id<RoleId>, submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = portal.allowed(Caller::team).await?;
    let app = portal.web.app();
    let role = roles::show(app, &access, &id.to_string()).await?;
    match roles::delete(app, &access, RoleRef::Custom(id)).await {
        Ok(()) => Ok(see_other(&portal.href(format!("{PATH}?done=deleted")))),
        Err(error) => {
            let page = page(portal, &role).await?;
            let form = refused(page.form, portal, error)?;
            Ok(ConfirmPage { form, ..page }.answer())
        }
    }
}

async fn page(portal: &Portal, role: &NamedRole) -> Result<ConfirmPage, Failure> {
    Ok(ConfirmPage {
        frame: portal.shell(Section::Team, Band::Neither).await?,
        title: format!("Delete the role {}?", role.name),
        consequences: vec![
            "It can be deleted once no member and no open invitation has it.".to_owned(),
            "It cannot be brought back, but another one can be made like it.".to_owned(),
        ],
        warning: None,
        form: Form::new(portal, "Delete").cancel(portal.href(PATH), "Keep it"),
    })
}
