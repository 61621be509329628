//! APIs: the list, a new one, one of them, its scopes and routes, its end.

pub mod delete;
pub mod edit;
pub mod import;
pub mod lines;
pub mod list;
pub mod routes;
pub mod scopes;
pub mod show;

use claviger_model::apis::Api;
use claviger_model::credentials::CredentialKind;
use claviger_model::ids::ApiId;

use crate::portal::Portal;

/// The path of the list, without the issuer's.
const PATH: &str = "/operator/apis";

/// The list: where the page of an API leads back to.
fn back(portal: &Portal) -> (String, String) {
    (portal.at(PATH), "APIs".to_owned())
}

/// An API's own page, and what it is called.
fn own_page(portal: &Portal, api: &Api) -> (String, String) {
    (href(portal, api.id), api.spec.name.clone())
}

fn href(portal: &Portal, id: ApiId) -> String {
    portal.at(format!("{PATH}/{id}"))
}

/// What people call a kind of credential.
fn kind_name(portal: &Portal, kind: CredentialKind) -> String {
    let labels = &portal.web.app().settings().portal.labels;
    match kind {
        CredentialKind::ApiKey => labels.api_keys.clone(),
        CredentialKind::LegacyKey => labels.legacy_key.clone(),
        CredentialKind::AccessToken => "Access tokens".to_owned(),
        CredentialKind::Session => "Session tokens".to_owned(),
        CredentialKind::ClientSecret => labels.client_secret.clone(),
    }
}
