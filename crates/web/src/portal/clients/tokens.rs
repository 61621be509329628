//! `/clients/{id}/end-tokens`: the end of all access tokens of a client.

use claviger_model::ids::ClientId;
use claviger_service::clients::ClientWithSecrets;
use claviger_service::tokens;

use super::{done, found, to_client};
use crate::error::Failure;
use crate::extract::Id;
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::Form;
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Asks whether they are to be ended.
pub async fn ask(mut portal: Portal, Id(id): Id<ClientId>) -> Answer {
    let (_, found) = found(&mut portal, id).await?;
    Ok(page(&portal, &found).await?.answer())
}

/// Ends them.
pub async fn end(Id(id): Id<ClientId>, mut submission: Submission) -> Answer {
    let (access, found) = found(&mut submission.portal, id).await?;
    let portal = &submission.portal;
    match tokens::end_of_client(portal.web.app(), &access, id).await {
        Ok(()) => Ok(done(portal, id, "tokens")),
        Err(error) => {
            let page = page(portal, &found).await?;
            let form = page.form.refused(portal, error)?;
            Ok(ConfirmPage { form, ..page }.answer())
        }
    }
}

async fn page(portal: &Portal, found: &ClientWithSecrets) -> Result<ConfirmPage, Failure> {
    Ok(ConfirmPage {
        frame: portal.shell(Section::Clients, Band::Neither).await?,
        title: format!("End all tokens of {}?", found.client.settings.name),
        consequences: vec![
            "Every access token that it got until now is refused from the next request on, on \
             every node."
                .to_owned(),
            "Its secrets go on: a program that is refused asks for a new token and continues. \
             Such a token counts for the day."
                .to_owned(),
        ],
        warning: None,
        form: Form::new(portal, "End all tokens").cancel(to_client(portal, found).0, "Keep them"),
    })
}
