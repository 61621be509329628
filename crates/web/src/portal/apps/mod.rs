//! Apps, which act for the users who connect them: the list, a new one, one of them with its
//! secrets, and its end.

pub mod delete;
pub mod edit;
mod fields;
pub mod list;
pub mod new;
mod samples;
pub mod secrets;
pub mod show;

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_model::clients::ClientKind;
use claviger_model::ids::ClientId;
use claviger_service::Caller;
use claviger_service::access::KeyAccess;
use claviger_service::clients::{self, ClientWithSecrets};
use claviger_service::settings::Labels;

use super::Portal;
use crate::error::Failure;
use crate::pages::see_other;
use crate::state::Web;

/// The path of the list, without the issuer's.
pub(super) const PATH: &str = "/apps";

/// The routes of these pages.
pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/apps", get(list::show))
        .route("/apps/new", get(new::show).post(new::create))
        .route("/apps/{id}", get(show::show))
        .route("/apps/{id}/edit", get(edit::show).post(edit::save))
        .route("/apps/{id}/delete", get(delete::ask).post(delete::delete))
        .route(
            "/apps/{id}/secrets/new",
            get(secrets::show).post(secrets::add),
        )
        .route(
            "/apps/{id}/secrets/{secret_id}/revoke",
            get(secrets::ask).post(secrets::revoke),
        )
}

/// What people call things.
fn labels(portal: &Portal) -> &Labels {
    &portal.web.app().settings().portal.labels
}

/// The list of the environment, and what it is called.
fn back(portal: &Portal) -> (String, String) {
    (portal.href(PATH), "Apps".to_owned())
}

/// The page of an app, and what it is called.
fn to_app(portal: &Portal, found: &ClientWithSecrets) -> (String, String) {
    let href = portal.href(format!("{PATH}/{}", found.client.id));
    (href, found.client.settings.name.clone())
}

/// The page of an app with a word about what was just done.
fn done(portal: &Portal, id: ClientId, what: &str) -> Response {
    see_other(&portal.href(format!("{PATH}/{id}?done={what}")))
}

/// An app of the account, and the permission to change it; from here on the page is about the
/// app's environment.
async fn found(
    portal: &mut Portal,
    id: ClientId,
) -> Result<(KeyAccess, ClientWithSecrets), Failure> {
    let access = portal.allowed(Caller::client_writing).await?;
    let found = clients::show(portal.web.app(), &access, id).await?;
    if found.client.kind != ClientKind::App {
        return Err(claviger_service::Error::not_found("app").into());
    }
    portal.environment = found.client.environment;
    Ok((access, found))
}
