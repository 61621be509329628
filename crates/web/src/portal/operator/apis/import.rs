//! `/operator/apis/{id}/import`: the routes of an API come from its OpenAPI document.

use std::collections::BTreeSet;

use askama::Template;
use claviger_model::apis::{Api, ApiSpec};
use claviger_model::ids::ApiId;
use claviger_service::Error;
use claviger_service::apis::{self, Imported};

use super::{href, lines, own_page};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::Fields;
use crate::portal::form::{Field, Form, FormPage, again};
use crate::portal::operator::access;
use crate::portal::{Answer, Band, Portal, Section, Shell, Submission};

/// How many routes of each sort are told.
const TOLD_MAX: usize = 50;

/// What an import changed.
#[derive(Template)]
#[template(path = "portal/operator/imported.html")]
struct ImportedPage {
    frame: Shell,
    back: (String, String),
    name: String,
    facts: Vec<(&'static str, String)>,
    notes: Vec<String>,
    changes: Vec<RouteChanges>,
    own_page: String,
    edit_routes: String,
}

/// Routes that came or went.
struct RouteChanges {
    id: &'static str,
    title: &'static str,
    routes: Vec<String>,
    more: usize,
}

/// Shows the form.
pub async fn ask(portal: Portal, Id(id): Id<ApiId>) -> Answer {
    let api = apis::show(portal.web.app(), &access(&portal)?, id).await?;
    Ok(page(&portal, &portal.query, &api).await?.answer())
}

/// Takes the routes out of the document and tells what changed.
pub async fn import(Id(id): Id<ApiId>, submission: Submission) -> Answer {
    let (portal, typed) = (&submission.portal, &submission.fields);
    let access = access(portal)?;
    let app = portal.web.app();
    let api = apis::show(app, &access, id).await?;
    let imported = match document(typed) {
        Ok(document) => apis::import(app, &access, id, &document, None).await,
        Err(error) => Err(error),
    };
    match imported {
        Ok(imported) => told(portal, &api.spec, &imported).await,
        Err(error) => again(portal, page(portal, typed, &api).await?, error),
    }
}

/// The document: of the file when there is one, else what was pasted.
fn document(typed: &Fields) -> Result<serde_json::Value, Error> {
    let text = typed.get("file").or(typed.get("document"));
    let text = text.ok_or_else(|| Error::invalid("document", "is needed, or a file"))?;
    serde_json::from_str(text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        let sentence = format!("must be JSON; at {place} it is not");
        Error::invalid("document", sentence)
    })
}

async fn page(portal: &Portal, typed: &Fields, api: &Api) -> Result<FormPage, Failure> {
    let back = own_page(portal, api);
    let form = Form::new(portal, "Import")
        .field(
            Field::file("file", "File", ".json,application/json")
                .hint("OpenAPI 3 in JSON, up to 2 MiB."),
        )
        .field(
            Field::lines(
                "document",
                "OpenAPI document",
                typed.text("document", ""),
                16,
            )
            .hint("The same as text, when there is no file."),
        )
        .cancel(href(portal, api.id), "Cancel");
    Ok(FormPage {
        frame: portal.shell(Section::Apis, Band::Neither).await?,
        title: format!("Import the routes of {}", api.spec.name),
        intro: "All of its routes are replaced by those of the document; scopes that it asks for \
                and the API does not offer yet are added. You see what changed."
            .to_owned(),
        back,
        form,
    })
}

async fn told(portal: &Portal, before: &ApiSpec, imported: &Imported) -> Answer {
    let Imported { api, summary } = imported;
    let lines = |spec: &ApiSpec| -> BTreeSet<String> {
        spec.routes.iter().map(lines::route_line).collect()
    };
    let (old, new) = (lines(before), lines(&api.spec));
    let added: Vec<&str> = summary
        .added_scopes
        .iter()
        .map(claviger_model::scopes::ScopeName::as_str)
        .collect();
    let mut facts = vec![
        ("Routes before", before.routes.len().to_string()),
        ("Routes now", summary.routes.to_string()),
        ("Without scopes", summary.routes_without_scopes.to_string()),
        ("Scopes before", before.scopes.len().to_string()),
        ("Scopes now", api.spec.scopes.len().to_string()),
    ];
    if !added.is_empty() {
        facts.push(("New scopes", added.join(", ")));
    }
    if !summary.base_path.is_empty() {
        facts.push(("Base path", summary.base_path.clone()));
    }
    let page = ImportedPage {
        back: own_page(portal, api),
        name: api.spec.name.clone(),
        facts,
        notes: summary.notes.clone(),
        changes: vec![
            changes("added", "New routes", new.difference(&old)),
            changes("removed", "Routes that are gone", old.difference(&new)),
        ],
        own_page: href(portal, api.id),
        edit_routes: format!("{}/routes", href(portal, api.id)),
        frame: portal.shell(Section::Apis, Band::Neither).await?,
    };
    Ok(Portal::page(page))
}

fn changes<'a>(
    id: &'static str,
    title: &'static str,
    routes: impl Iterator<Item = &'a String>,
) -> RouteChanges {
    let mut routes: Vec<String> = routes.cloned().collect();
    let more = routes.len().saturating_sub(TOLD_MAX);
    routes.truncate(TOLD_MAX);
    RouteChanges {
        id,
        title,
        routes,
        more,
    }
}
