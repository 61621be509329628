//! `/api/keys`, for people's sessions, and `/v1/keys`, the same resource for automation.

pub mod shapes;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::ids::KeyId;
use claviger_service::Caller;
use claviger_service::keys::{self, KeyWithSecrets};
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
    let now = web.app().sources().now();
    let body: Vec<ApiKey> = page
        .keys
        .into_iter()
        .map(|key| ApiKey::of(key, None, now))
        .collect();
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
    let body = ApiKey::of(issued.key, issued.plaintext, web.app().sources().now());
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
    Ok(shown(web, key))
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
    Ok(shown(web, key))
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

fn shown(web: &Web, key: KeyWithSecrets) -> Response {
    let version = key.key.version;
    let body = ApiKey::of(key, None, web.app().sources().now());
    (etag(version), axum::Json(body)).into_response()
}
