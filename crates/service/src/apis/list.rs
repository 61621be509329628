//! Looking at APIs.

use claviger_model::apis::Api;
use claviger_model::credentials::CredentialKind;
use claviger_model::ids::ApiId;
use claviger_store::apis;

use super::find;
use crate::access::OperatorAccess;
use crate::app::App;
use crate::error::Error;

/// Every API, the oldest first.
pub async fn list(app: &App, _access: &OperatorAccess) -> Result<Vec<Api>, Error> {
    Ok(apis::list(&mut *app.read().await?).await?)
}

/// One API.
pub async fn show(app: &App, _access: &OperatorAccess, id: ApiId) -> Result<Api, Error> {
    find(&mut *app.read().await?, id).await
}

/// What people call an API; its id when it is not there any more. For everybody.
pub fn name_of(app: &App, id: ApiId) -> String {
    let index = app.verifier().index();
    let found = index.apis().all().iter().find(|api| api.id == id).cloned();
    found.map_or_else(|| id.to_string(), |api| api.name.to_string())
}

/// The kinds of credential that some API takes and the instance offers. For everybody.
pub fn offered_kinds(app: &App) -> Vec<CredentialKind> {
    let index = app.verifier().index();
    let is_taken = |kind: &CredentialKind| index.apis().all().iter().any(|api| api.accepts(*kind));
    let is_offered =
        |kind: &CredentialKind| *kind != CredentialKind::LegacyKey || app.settings().legacy_keys;
    CredentialKind::ACCEPTABLE
        .into_iter()
        .filter(|kind| is_offered(kind) && is_taken(kind))
        .collect()
}
