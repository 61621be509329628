//! `/apps/{id}/delete`: the end of an app, for all who connected it.

use claviger_model::ids::ClientId;
use claviger_service::access::KeyAccess;
use claviger_service::clients::{self, ClientWithSecrets};

use super::{PATH, found, to_app};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::see_other;
use crate::portal::chart::told;
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::Form;
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Asks whether it is to be deleted.
pub async fn ask(mut portal: Portal, Id(id): Id<ClientId>) -> Answer {
    let (access, found) = found(&mut portal, id).await?;
    if found.client.is_deleted() {
        return Ok(see_other(&to_app(&portal, &found).0));
    }
    Ok(page(&portal, &access, &found).await?.answer())
}

/// Deletes it.
pub async fn delete(Id(id): Id<ClientId>, mut submission: Submission) -> Answer {
    let (access, found) = found(&mut submission.portal, id).await?;
    let portal = &submission.portal;
    match clients::delete(portal.web.app(), &access, id).await {
        Ok(()) => Ok(see_other(&portal.href(PATH))),
        Err(error) => {
            let page = page(portal, &access, &found).await?;
            let form = page.form.refused(portal, error)?;
            Ok(ConfirmPage { form, ..page }.answer())
        }
    }
}

async fn page(
    portal: &Portal,
    access: &KeyAccess,
    found: &ClientWithSecrets,
) -> Result<ConfirmPage, Failure> {
    let client = &found.client;
    let users = clients::connected_users(portal.web.app(), access, client.id).await?;
    let who = match users {
        0 => "No user has connected it.".to_owned(),
        1 => "1 user has connected it and loses it.".to_owned(),
        users => format!("{} users have connected it and lose it.", told(users)),
    };
    Ok(ConfirmPage {
        frame: portal.shell(Section::Apps, Band::Neither).await?,
        title: format!("Delete {}?", client.settings.name),
        consequences: vec![
            "Every token that it has is refused from the next request on, on every node, and it \
             gets no new ones."
                .to_owned(),
            "It does not come back: users would have to connect a new app.".to_owned(),
        ],
        warning: Some(who),
        form: Form::new(portal, "Delete").cancel(to_app(portal, found).0, "Keep it"),
    })
}
