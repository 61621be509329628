//! `/operator/apis/{id}/delete`: the end of an API.

use claviger_model::apis::Api;
use claviger_model::ids::ApiId;
use claviger_service::apis;

use super::{PATH, href};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::see_other;
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::Form;
use crate::portal::operator::access;
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Asks whether the API is to be deleted.
pub async fn ask(portal: Portal, Id(id): Id<ApiId>) -> Answer {
    let api = apis::show(portal.web.app(), &access(&portal)?, id).await?;
    Ok(page(&portal, &api).await?.answer())
}

/// Deletes it.
pub async fn delete(Id(id): Id<ApiId>, submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = access(portal)?;
    let app = portal.web.app();
    let api = apis::show(app, &access, id).await?;
    match apis::delete(app, &access, id).await {
        Ok(()) => Ok(see_other(&portal.at(format!("{PATH}?deleted=1")))),
        Err(error) => {
            let page = page(portal, &api).await?;
            let form = page.form.refused(portal, error)?;
            Ok(ConfirmPage { form, ..page }.answer())
        }
    }
}

async fn page(portal: &Portal, api: &Api) -> Result<ConfirmPage, Failure> {
    let spec = &api.spec;
    let warning = api.is_default.then(|| {
        "This is the default API, which is meant where none is named. It can be deleted only \
         when it is the last."
            .to_owned()
    });
    Ok(ConfirmPage {
        frame: portal.shell(Section::Apis, Band::Neither).await?,
        title: format!("Delete {}?", spec.name),
        consequences: vec![
            format!(
                "Every request for {} is refused, from the moment this is done, on every node.",
                spec.audience
            ),
            format!(
                "Its {} scopes and {} routes are gone. Credentials keep its scopes, which open \
                 nothing any more.",
                spec.scopes.len(),
                spec.routes.len()
            ),
            "If it stands in the configuration file, it is made again when the server starts."
                .to_owned(),
        ],
        warning,
        form: Form::new(portal, "Delete").cancel(href(portal, api.id), "Keep it"),
    })
}
