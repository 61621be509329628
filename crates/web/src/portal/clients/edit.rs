//! `/clients/{id}/edit`: what can be changed of a machine client.

use claviger_model::ids::ClientId;
use claviger_service::Error;
use claviger_service::clients::{self, ClientWithSecrets, EditInput};

use super::{done, fields, found, labels, to_client};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::Fields;
use crate::portal::form::{Field, Form, FormPage, again};
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Shows the form.
pub async fn show(mut portal: Portal, Id(id): Id<ClientId>) -> Answer {
    let (_, found) = found(&mut portal, id).await?;
    Ok(page(&portal, &portal.query, &found).await?.answer())
}

/// Saves what was changed.
pub async fn save(Id(id): Id<ClientId>, mut submission: Submission) -> Answer {
    let (access, found) = found(&mut submission.portal, id).await?;
    let portal = &submission.portal;
    let version = submission.fields.get("version");
    let saved = match fields::draft(&submission.fields) {
        Ok(typed) => {
            let input = EditInput {
                draft: fields::changes(typed.draft, &found.client.settings),
                audience: typed.audience,
                expected_version: version.and_then(|version| version.parse().ok()),
            };
            clients::edit(portal.web.app(), &access, id, input).await
        }
        Err(problems) => Err(Error::from(problems)),
    };
    match saved {
        Ok(_) => Ok(done(portal, id, "saved")),
        Err(error) => {
            let page = page(portal, &submission.fields, &found).await?;
            again(portal, page, error)
        }
    }
}

async fn page(
    portal: &Portal,
    typed: &Fields,
    found: &ClientWithSecrets,
) -> Result<FormPage, Failure> {
    let client = &found.client;
    let version = typed.text("version", &client.version.to_string());
    let back = to_client(portal, found);
    let form = Form::new(portal, &labels(portal).save)
        .field(Field::hidden("version", version))
        .cancel(&back.0, "Cancel");
    Ok(FormPage {
        frame: portal.shell(Section::Clients, Band::Neither).await?,
        title: format!("Edit {}", client.settings.name),
        intro: "What is taken away is refused from the next request on, also with tokens that are \
                out already."
            .to_owned(),
        form: fields::of_client(form, portal, typed, client),
        back,
    })
}
