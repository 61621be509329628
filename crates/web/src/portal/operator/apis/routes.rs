//! `/operator/apis/{id}/routes`: which scopes the paths of an API ask for, one route a line.

use claviger_model::apis::{Api, ApiDraft, RouteDraft};
use claviger_model::ids::ApiId;
use claviger_service::{Error, apis};

use super::edit::version;
use super::lines::{self, Lines};
use super::{PATH, href, own_page};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::{Fields, see_other};
use crate::portal::form::{Field, Form, FormPage, again};
use crate::portal::operator::access;
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Shows the lines.
pub async fn ask(portal: Portal, Id(id): Id<ApiId>) -> Answer {
    let api = apis::show(portal.web.app(), &access(&portal)?, id).await?;
    Ok(page(&portal, &portal.query, &api).await?.answer())
}

/// Saves them.
pub async fn save(Id(id): Id<ApiId>, submission: Submission) -> Answer {
    let (portal, typed) = (&submission.portal, &submission.fields);
    let access = access(portal)?;
    let app = portal.web.app();
    let api = apis::show(app, &access, id).await?;
    let saved = match lines::routes(typed.get("routes").unwrap_or_default()) {
        Ok(read) => {
            let places = read.places().to_vec();
            let draft = ApiDraft {
                routes: Some(read.drafts),
                ..ApiDraft::default()
            };
            let edited = apis::edit(app, &access, id, draft, version(typed)).await;
            edited.map_err(|error| Lines::<RouteDraft>::refused(&places, "routes", error))
        }
        Err(problems) => Err(Error::from(problems)),
    };
    match saved {
        Ok(_) => Ok(see_other(&portal.at(format!("{PATH}/{id}?done=saved")))),
        Err(error) => again(portal, page(portal, typed, &api).await?, error),
    }
}

async fn page(portal: &Portal, typed: &Fields, api: &Api) -> Result<FormPage, Failure> {
    let back = own_page(portal, api);
    let save = &portal.web.app().settings().portal.labels.save;
    let text = typed.text("routes", &lines::routes_text(&api.spec.routes));
    let version = typed.text("version", &api.version.to_string());
    let form = Form::new(portal, save)
        .field(Field::hidden("version", version))
        .field(Field::lines("routes", "Routes", text, 20).hint(
            "One a line: method, path, scopes, with spaces between them, such as GET /v1/leads \
             read:leads. * is any method; {name} is one segment of a path, and a final * all that \
             follow. Without scopes any good credential will do.",
        ))
        .cancel(href(portal, api.id), "Cancel");
    Ok(FormPage {
        frame: portal.shell(Section::Apis, Band::Neither).await?,
        title: format!("Routes of {}", api.spec.name),
        intro: "The most exact path wins, whatever the order. A route that asks for more does so \
                from the next request on."
            .to_owned(),
        back,
        form,
    })
}
