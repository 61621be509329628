//! Machine clients ("API credentials"): the list, a new one, one of them with its secrets, their
//! rotation and their end.

pub mod delete;
pub mod edit;
pub mod fields;
pub mod list;
pub mod new;
pub mod rotate;
pub mod rows;
pub mod samples;
pub mod secrets;
pub mod show;
pub mod tokens;

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_model::clients::{ClientKind, ClientSecret};
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
pub(super) const PATH: &str = "/clients";

/// The routes of these pages.
pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/clients", get(list::show))
        .route("/clients/new", get(new::show).post(new::create))
        .route("/clients/{id}", get(show::show))
        .route("/clients/{id}/edit", get(edit::show).post(edit::save))
        .route(
            "/clients/{id}/delete",
            get(delete::ask).post(delete::delete),
        )
        .route(
            "/clients/{id}/end-tokens",
            get(tokens::ask).post(tokens::end),
        )
        .route(
            "/clients/{id}/secrets/new",
            get(secrets::show).post(secrets::add),
        )
        .route(
            "/clients/{id}/secrets/{secret_id}/revoke",
            get(secrets::ask).post(secrets::revoke),
        )
        .route(
            "/clients/{id}/rotate",
            get(rotate::show).post(rotate::start),
        )
        .route(
            "/clients/{id}/rotate/stop",
            get(rotate::ask_stop).post(rotate::stop),
        )
        .route(
            "/clients/{id}/rotate/longer",
            get(rotate::ask_longer).post(rotate::longer),
        )
        .route(
            "/clients/{id}/rotate/cancel",
            get(rotate::ask_cancel).post(rotate::cancel),
        )
}

/// What people call things.
fn labels(portal: &Portal) -> &Labels {
    &portal.web.app().settings().portal.labels
}

/// The list of the environment, and what it is called.
fn back(portal: &Portal) -> (String, String) {
    (portal.href(PATH), labels(portal).clients.clone())
}

/// The page of a client, and what it is called.
fn to_client(portal: &Portal, found: &ClientWithSecrets) -> (String, String) {
    let href = portal.href(format!("{PATH}/{}", found.client.id));
    (href, found.client.settings.name.clone())
}

/// The page of a client with a word about what was just done.
fn done(portal: &Portal, id: ClientId, what: &str) -> Response {
    see_other(&portal.href(format!("{PATH}/{id}?done={what}")))
}

/// A machine client of the account, and the permission to change it; from here on the page is
/// about the client's environment.
async fn found(
    portal: &mut Portal,
    id: ClientId,
) -> Result<(KeyAccess, ClientWithSecrets), Failure> {
    let access = portal.allowed(Caller::client_writing).await?;
    let found = clients::show(portal.web.app(), &access, id).await?;
    if found.client.kind != ClientKind::Machine {
        return Err(claviger_service::Error::not_found("client").into());
    }
    portal.environment = found.client.environment;
    Ok((access, found))
}

/// How a page names a secret.
fn named(portal: &Portal, secret: &ClientSecret) -> String {
    let label = &labels(portal).client_secret;
    let hint = &secret.stored.hint;
    match secret.description.as_str() {
        "" => format!("{label} \u{2026}{hint}"),
        description => format!("{label} \u{2026}{hint} ({description})"),
    }
}
