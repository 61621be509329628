//! `/operator/apis`: what the instance protects.

use askama::Template;
use claviger_model::apis::Api;
use claviger_service::apis;

use super::{PATH, kind_name};
use crate::portal::operator::access;
use crate::portal::{Answer, Band, Portal, Section, Shell};

/// The list.
#[derive(Template)]
#[template(path = "portal/operator/apis.html")]
struct ApisPage {
    frame: Shell,
    is_deleted: bool,
    rows: Vec<ApiRow>,
    create: String,
}

struct ApiRow {
    href: String,
    name: String,
    audience: String,
    is_default: bool,
    accepts: String,
    scopes: usize,
    routes: usize,
}

/// Shows the list.
pub async fn show(portal: Portal) -> Answer {
    let access = access(&portal)?;
    let found = apis::list(portal.web.app(), &access).await?;
    let page = ApisPage {
        is_deleted: portal.query.has("deleted"),
        rows: found.iter().map(|api| row(&portal, api)).collect(),
        create: portal.at(format!("{PATH}/new")),
        frame: portal.shell(Section::Apis, Band::Neither).await?,
    };
    Ok(Portal::page(page))
}

fn row(portal: &Portal, api: &Api) -> ApiRow {
    let kinds = api.spec.accepts.iter().map(|kind| kind_name(portal, *kind));
    ApiRow {
        href: super::href(portal, api.id),
        name: api.spec.name.clone(),
        audience: api.spec.audience.clone(),
        is_default: api.is_default,
        accepts: kinds.collect::<Vec<_>>().join(", "),
        scopes: api.spec.scopes.len(),
        routes: api.spec.routes.len(),
    }
}
