//! What credentials do with their scopes: `…/scope-use` of keys and of clients.

use axum::extract::State;
use claviger_model::ids::{ClientId, KeyId};
use claviger_service::usage::{self, ScopeUse};

use super::clients::shapes::Within;
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Id, KeyManager, Principal, Query, Session};
use crate::state::Web;

/// Compare a key's scopes with what it did
///
/// `granted`, `exercised` with the number of `requests` of each scope `since` then, `unused`, and
/// `narrower`: the scopes that would have been enough, to be sent in a PATCH; null when the key was
/// not used, or needs all of them.
#[utoipa::path(get, path = "/api/keys/{id}/scope-use", operation_id = "key_scope_use",
    tag = "keys", params(("id" = String, Path)),
    security(("session" = [])),
    responses((status = 200, body = Object), (status = 404, body = Envelope)))]
pub async fn of_key(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<KeyId>,
) -> Result<axum::Json<ScopeUse>, Failure> {
    let access = caller.key_reading()?;
    Ok(axum::Json(usage::of_key(web.app(), &access, id).await?))
}

/// Compare a key's scopes with what it did, for automation
#[utoipa::path(get, path = "/v1/keys/{id}/scope-use", operation_id = "manage_key_scope_use",
    tag = "management", params(("id" = String, Path)),
    security(("management" = [])),
    responses((status = 200, body = Object), (status = 404, body = Envelope)))]
pub async fn manage_of_key(
    State(web): State<Web>,
    KeyManager(caller): KeyManager,
    Id(id): Id<KeyId>,
) -> Result<axum::Json<ScopeUse>, Failure> {
    let access = caller.key_reading()?;
    Ok(axum::Json(usage::of_key(web.app(), &access, id).await?))
}

/// Compare a client's scopes with what its tokens did
///
/// As for keys. Of a client that may do everything, `granted` is every scope that there is.
#[utoipa::path(get, path = "/v1/clients/{id}/scope-use", operation_id = "client_scope_use",
    tag = "clients", params(("id" = String, Path), Within),
    security(("session" = []), ("management" = [])),
    responses((status = 200, body = Object), (status = 404, body = Envelope)))]
pub async fn of_client(
    State(web): State<Web>,
    Principal(caller): Principal,
    Id(id): Id<ClientId>,
    Query(within): Query<Within>,
) -> Result<axum::Json<ScopeUse>, Failure> {
    let access = within.reading(&caller)?;
    Ok(axum::Json(usage::of_client(web.app(), &access, id).await?))
}
