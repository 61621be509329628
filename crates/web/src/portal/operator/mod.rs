//! Pages for those who run the instance: how it is, its customers, its APIs, its keys and rules.

pub mod accounts;
pub mod apis;
pub mod health;
pub mod operators;
pub mod policies;
pub mod signing_keys;

use std::fmt::Display;

use axum::Router;
use axum::routing::get;
use claviger_model::{Environment, Reason};
use claviger_service::access::OperatorAccess;
use claviger_service::branding::Support;

use super::{Portal, href};
use crate::error::Failure;
use crate::state::Web;

/// The path of the first page, without the issuer's.
pub(super) const PATH: &str = "/operator";
/// Where OpenAPI documents are sent, and how large the form may be: a document of 2 MiB, and what
/// the encoding of forms adds to it.
pub(crate) const IMPORT_PATH: &str = "/operator/apis/{id}/import";
pub(crate) const IMPORT_FORM_BYTES_MAX: u64 = 6 * 1024 * 1024;

/// The routes of these pages.
pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route(PATH, get(health::show))
        .route("/operator/policies", get(policies::show))
        .route("/operator/operators", get(operators::list))
        .route(
            "/operator/operators/new",
            get(operators::ask).post(operators::add),
        )
        .route("/operator/signing-keys", get(signing_keys::list))
        .route(
            "/operator/signing-keys/rotate",
            get(signing_keys::ask_rotate).post(signing_keys::rotate),
        )
        .route(
            "/operator/signing-keys/{id}/withdraw",
            get(signing_keys::ask_withdraw).post(signing_keys::withdraw),
        )
        .merge(account_routes())
        .merge(api_routes())
}

fn account_routes() -> Router<Web> {
    use accounts::{end_tokens, list, members, name, show, status};
    Router::new()
        .route("/operator/accounts", get(list::show))
        .route("/operator/accounts/new", get(name::ask).post(name::create))
        .route("/operator/accounts/{id}", get(show::show))
        .route(
            "/operator/accounts/{id}/rename",
            get(name::ask_rename).post(name::rename),
        )
        .route(
            "/operator/accounts/{id}/suspend",
            get(status::ask_suspend).post(status::suspend),
        )
        .route(
            "/operator/accounts/{id}/activate",
            get(status::ask_activate).post(status::activate),
        )
        .route(
            "/operator/accounts/{id}/end-tokens",
            get(end_tokens::ask).post(end_tokens::end),
        )
        .route(
            "/operator/accounts/{id}/members/new",
            get(members::ask).post(members::add),
        )
}

fn api_routes() -> Router<Web> {
    use apis::{delete, edit, import, list, routes, scopes, show};
    Router::new()
        .route("/operator/apis", get(list::show))
        .route("/operator/apis/new", get(edit::ask).post(edit::create))
        .route("/operator/apis/{id}", get(show::show))
        .route(
            "/operator/apis/{id}/edit",
            get(edit::ask_edit).post(edit::save),
        )
        .route(
            "/operator/apis/{id}/scopes",
            get(scopes::ask).post(scopes::save),
        )
        .route(
            "/operator/apis/{id}/routes",
            get(routes::ask).post(routes::save),
        )
        .route(
            "/operator/apis/{id}/delete",
            get(delete::ask).post(delete::delete),
        )
        .route(IMPORT_PATH, get(import::ask).post(import::import))
}

/// The permission to be here; a refusal says whose pages these are.
fn access(portal: &Portal) -> Result<OperatorAccess, Failure> {
    portal.caller().operator().map_err(|error| {
        let mut failure = Failure::from(error);
        if failure.reason == Reason::PermissionRequired {
            let settings = portal.web.app().settings();
            let ask = match &settings.portal.brand.support {
                Some(Support::Page(page)) => format!(": ask at {page}"),
                Some(Support::Mail(address)) => format!(": ask {address}"),
                None => String::new(),
            };
            failure.message = format!(
                "These pages are for the operators of {}. An operator can make you one, or do for \
                 you what you came for{ask}.",
                settings.portal.name
            );
        }
        failure
    })
}

impl Portal {
    /// A path of ours with the issuer's before it: these pages are of no environment.
    fn at(&self, path: impl Display) -> String {
        href(&self.web, path, Environment::Live)
    }
}

/// The first page: where the pages of single things lead back to when they have no list.
fn back(portal: &Portal) -> (String, String) {
    (portal.at(PATH), "Operator".to_owned())
}
