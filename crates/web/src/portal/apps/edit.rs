//! `/apps/{id}/edit`: what can be changed of an app.

use claviger_model::ids::ClientId;
use claviger_service::clients::{self, ClientWithSecrets, EditInput};

use super::{done, fields, found, labels, to_app};
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
    let typed = &submission.fields;
    let version = typed.get("version");
    let input = EditInput {
        draft: fields::draft(typed, false),
        audience: None,
        expected_version: version.and_then(|version| version.parse().ok()),
    };
    match clients::edit(portal.web.app(), &access, id, input).await {
        Ok(_) => Ok(done(portal, id, "saved")),
        Err(error) => {
            let page = page(portal, typed, &found).await?;
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
    let back = to_app(portal, found);
    let form = Form::new(portal, &labels(portal).save)
        .field(Field::hidden("version", version))
        .cancel(&back.0, "Cancel");
    Ok(FormPage {
        frame: portal.shell(Section::Apps, Band::Neither).await?,
        title: format!("Edit {}", client.settings.name),
        intro: "Scopes that are taken away are refused from the next request on, also with tokens \
                that are out already."
            .to_owned(),
        form: fields::of_app(form, portal, typed, found),
        back,
    })
}
