//! `/api/keys`, for people's sessions, and `/v1/keys`, the same resource for automation.

pub mod shapes;

use std::collections::HashMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::ids::{KeyId, SecretId};
use claviger_service::keys::{self, KeyWithSecrets};
use claviger_service::uses::{self, SecretUses};
use claviger_service::{App, Caller, Error};
use http::header::{CACHE_CONTROL, LINK};
use http::{HeaderValue, StatusCode};

use super::Deleted;
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Id, Idempotent, IfMatch, Json, KeyManager, Query, Session, etag};
use crate::state::Web;
pub use shapes::ApiKey;
use shapes::{Cursor, KeyPatch, KeyQuery, NewKey, Revocation};

/// List API keys
///
/// The account's keys, the newest first; the key itself is never returned. A `Link` header with
/// `rel="next"` leads to the next page.
#[utoipa::path(get, path = "/api/keys", operation_id = "list_keys",
    tag = "keys", params(KeyQuery),
    security(("session" = [])),
    responses((status = 200, body = Vec<ApiKey>), (status = 401, body = Envelope),
        (status = 403, body = Envelope)))]
pub async fn list(
    State(web): State<Web>,
    Session(caller): Session,
    Query(query): Query<KeyQuery>,
) -> Result<Response, Failure> {
    list_for(&web, &caller, query, "/api/keys").await
}

/// Create an API key
///
/// The full key is in this answer and never again.
#[utoipa::path(post, path = "/api/keys", operation_id = "create_key",
    tag = "keys", request_body = NewKey,
    security(("session" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe")),
    responses((status = 201, body = ApiKey), (status = 401, body = Envelope),
        (status = 403, body = Envelope), (status = 422, body = Envelope)))]
pub async fn create(
    State(web): State<Web>,
    Session(caller): Session,
    idempotent: Idempotent,
    body: Json<NewKey>,
) -> Result<Response, Failure> {
    create_for(&web, &caller, &idempotent, body).await
}

/// Show an API key
#[utoipa::path(get, path = "/api/keys/{id}", operation_id = "show_key",
    tag = "keys", params(("id" = String, Path)),
    security(("session" = [])),
    responses((status = 200, body = ApiKey), (status = 404, body = Envelope)))]
pub async fn show(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<KeyId>,
) -> Result<Response, Failure> {
    show_for(&web, &caller, id).await
}

/// Change an API key
///
/// A JSON merge patch. What it takes away is refused from the next request on.
#[utoipa::path(patch, path = "/api/keys/{id}", operation_id = "edit_key",
    tag = "keys", request_body = KeyPatch,
    security(("session" = [])),
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = ApiKey), (status = 404, body = Envelope),
        (status = 409, body = Envelope), (status = 412, body = Envelope),
        (status = 422, body = Envelope)))]
pub async fn edit(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<KeyId>,
    if_match: IfMatch,
    Json { value, .. }: Json<KeyPatch>,
) -> Result<Response, Failure> {
    edit_for(&web, &caller, id, if_match, value).await
}

/// Revoke an API key
///
/// When this answers, no node accepts the key any more.
#[utoipa::path(delete, path = "/api/keys/{id}", operation_id = "revoke_key",
    tag = "keys", params(("id" = String, Path)),
    security(("session" = [])),
    responses((status = 200, body = Deleted), (status = 404, body = Envelope)))]
pub async fn revoke(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<KeyId>,
    Json { value, .. }: Json<Revocation>,
) -> Result<Response, Failure> {
    revoke_for(&web, &caller, id, value).await
}

/// List API keys, for automation
#[utoipa::path(get, path = "/v1/keys", operation_id = "manage_list_keys",
    tag = "management", params(KeyQuery),
    security(("management" = [])),
    responses((status = 200, body = Vec<ApiKey>), (status = 403, body = Envelope)))]
pub async fn manage_list(
    State(web): State<Web>,
    KeyManager(caller): KeyManager,
    Query(query): Query<KeyQuery>,
) -> Result<Response, Failure> {
    list_for(&web, &caller, query, "/v1/keys").await
}

/// Create an API key, for automation
///
/// A client hands on only the scopes that it holds itself.
#[utoipa::path(post, path = "/v1/keys", operation_id = "manage_create_key",
    tag = "management", request_body = NewKey,
    security(("management" = [])),
    responses((status = 201, body = ApiKey), (status = 403, body = Envelope),
        (status = 422, body = Envelope)))]
pub async fn manage_create(
    State(web): State<Web>,
    KeyManager(caller): KeyManager,
    idempotent: Idempotent,
    body: Json<NewKey>,
) -> Result<Response, Failure> {
    create_for(&web, &caller, &idempotent, body).await
}

/// Show an API key, for automation
#[utoipa::path(get, path = "/v1/keys/{id}", operation_id = "manage_show_key",
    tag = "management", params(("id" = String, Path)),
    security(("management" = [])),
    responses((status = 200, body = ApiKey), (status = 404, body = Envelope)))]
pub async fn manage_show(
    State(web): State<Web>,
    KeyManager(caller): KeyManager,
    Id(id): Id<KeyId>,
) -> Result<Response, Failure> {
    show_for(&web, &caller, id).await
}

/// Change an API key, for automation
#[utoipa::path(patch, path = "/v1/keys/{id}", operation_id = "manage_edit_key",
    tag = "management", request_body = KeyPatch,
    security(("management" = [])), params(("id" = String, Path)),
    responses((status = 200, body = ApiKey), (status = 404, body = Envelope)))]
pub async fn manage_edit(
    State(web): State<Web>,
    KeyManager(caller): KeyManager,
    Id(id): Id<KeyId>,
    if_match: IfMatch,
    Json { value, .. }: Json<KeyPatch>,
) -> Result<Response, Failure> {
    edit_for(&web, &caller, id, if_match, value).await
}

/// Revoke an API key, for automation
#[utoipa::path(delete, path = "/v1/keys/{id}", operation_id = "manage_revoke_key",
    tag = "management", params(("id" = String, Path)),
    security(("management" = [])),
    responses((status = 200, body = Deleted), (status = 404, body = Envelope)))]
pub async fn manage_revoke(
    State(web): State<Web>,
    KeyManager(caller): KeyManager,
    Id(id): Id<KeyId>,
    Json { value, .. }: Json<Revocation>,
) -> Result<Response, Failure> {
    revoke_for(&web, &caller, id, value).await
}

async fn list_for(
    web: &Web,
    caller: &Caller,
    query: KeyQuery,
    path: &str,
) -> Result<Response, Failure> {
    let access = caller.key_reading()?;
    let filter = query.filter()?;
    let page = keys::list(web.app(), &access, filter).await?;
    let body = shapes_of(web.app(), page.keys).await?;
    let mut response = axum::Json(body).into_response();
    if let Some((at, id)) = page.next {
        let link = query.next_link(path, &Cursor(at, id), filter.limit);
        if let Ok(link) = HeaderValue::from_str(&link) {
            response.headers_mut().insert(LINK, link);
        }
    }
    Ok(response)
}

async fn create_for(
    web: &Web,
    caller: &Caller,
    idempotent: &Idempotent,
    Json { value, bytes }: Json<NewKey>,
) -> Result<Response, Failure> {
    let access = caller.key_writing()?;
    let replay = idempotent.key(caller, &bytes)?;
    let issued = keys::issue(web.app(), &access, value.into(), replay.as_ref()).await?;
    let version = issued.key.key.version;
    let app = web.app();
    let ids: Vec<SecretId> = issued.key.secrets.iter().map(|one| one.id).collect();
    let uses = uses::of_made(app, &ids).await;
    let body = ApiKey::of(issued.key, issued.plaintext, &uses, app.sources().now());
    let location = [(http::header::LOCATION, format!("/api/keys/{}", body.id))];
    let no_store = [(CACHE_CONTROL, "no-store")];
    Ok((
        StatusCode::CREATED,
        etag(version),
        location,
        no_store,
        axum::Json(body),
    )
        .into_response())
}

async fn show_for(web: &Web, caller: &Caller, id: KeyId) -> Result<Response, Failure> {
    let access = caller.key_reading()?;
    let key = keys::show(web.app(), &access, id).await?;
    shown(web, key).await
}

async fn edit_for(
    web: &Web,
    caller: &Caller,
    id: KeyId,
    IfMatch(version): IfMatch,
    patch: KeyPatch,
) -> Result<Response, Failure> {
    let access = caller.key_writing()?;
    let key = keys::edit(web.app(), &access, id, patch.into(), version).await?;
    shown(web, key).await
}

async fn revoke_for(
    web: &Web,
    caller: &Caller,
    id: KeyId,
    revocation: Revocation,
) -> Result<Response, Failure> {
    let access = caller.key_writing()?;
    keys::revoke(web.app(), &access, id, revocation.reason).await?;
    Ok(Deleted::done().into_response())
}

async fn shown(web: &Web, key: KeyWithSecrets) -> Result<Response, Failure> {
    let version = key.key.version;
    let body = shape_of(web.app(), key).await?;
    Ok((etag(version), axum::Json(body)).into_response())
}

/// A key as it is shown, with what became of it.
///
/// # Errors
/// The usage database does not answer.
pub async fn shape_of(app: &App, key: KeyWithSecrets) -> Result<ApiKey, Error> {
    let uses = uses_of(app, std::slice::from_ref(&key)).await?;
    Ok(ApiKey::of(key, None, &uses, app.sources().now()))
}

/// Keys as they are shown, with what became of them.
///
/// # Errors
/// The usage database does not answer.
pub async fn shapes_of(app: &App, found: Vec<KeyWithSecrets>) -> Result<Vec<ApiKey>, Error> {
    let uses = uses_of(app, &found).await?;
    let now = app.sources().now();
    let shapes = found
        .into_iter()
        .map(|key| ApiKey::of(key, None, &uses, now));
    Ok(shapes.collect())
}

/// What became of the secrets of keys.
async fn uses_of(
    app: &App,
    found: &[KeyWithSecrets],
) -> Result<HashMap<SecretId, SecretUses>, Error> {
    let secrets = found.iter().flat_map(|key| &key.secrets);
    let ids: Vec<SecretId> = secrets.map(|secret| secret.id).collect();
    uses::of(app, &ids).await
}
