//! `/clients/{id}/delete`: the end of a machine client with all its secrets.

use claviger_model::ids::{ClientId, SecretId};
use claviger_service::clients::{self, ClientWithSecrets};
use claviger_service::uses;

use super::rows::last_use;
use super::{back, done, found, to_client};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::see_other;
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::Form;
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Asks whether it is to be deleted.
pub async fn ask(mut portal: Portal, Id(id): Id<ClientId>) -> Answer {
    let (_, found) = found(&mut portal, id).await?;
    if found.client.is_deleted() {
        return Ok(see_other(&to_client(&portal, &found).0));
    }
    Ok(page(&portal, &found).await?.answer())
}

/// Deletes it.
pub async fn delete(Id(id): Id<ClientId>, mut submission: Submission) -> Answer {
    let (access, found) = found(&mut submission.portal, id).await?;
    let portal = &submission.portal;
    match clients::delete(portal.web.app(), &access, id).await {
        Ok(()) => Ok(done(portal, id, "deleted")),
        Err(error) => {
            let page = page(portal, &found).await?;
            let form = page.form.refused(portal, error)?;
            Ok(ConfirmPage { form, ..page }.answer())
        }
    }
}

async fn page(portal: &Portal, found: &ClientWithSecrets) -> Result<ConfirmPage, Failure> {
    let app = portal.web.app();
    let ids: Vec<SecretId> = found.secrets.iter().map(|secret| secret.id).collect();
    let uses = uses::of(app, &ids).await?;
    let latest = uses.into_values().max_by_key(|uses| uses.last_used_at);
    let latest = latest.and_then(|uses| last_use(&uses, app.sources().now()));
    let name = &found.client.settings.name;
    Ok(ConfirmPage {
        frame: portal.shell(Section::Clients, Band::Neither).await?,
        title: format!("Delete {name}?"),
        consequences: vec![
            "All its secrets are revoked with it: none of them gets a token any more.".to_owned(),
            "Every access token that it got is refused from the next request on, on every node."
                .to_owned(),
            format!(
                "It does not come back. To have one like it, create one under {}.",
                back(portal).1
            ),
        ],
        warning: latest.map(|last| {
            format!(
                "It is in use: its last token was given {} to {}.",
                last.when.told, last.from
            )
        }),
        form: Form::new(portal, "Delete").cancel(to_client(portal, found).0, "Keep it"),
    })
}
