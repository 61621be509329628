//! `/v1/apis`: the resource servers that the operator offers.

mod shapes;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::ids::ApiId;
use claviger_service::apis;
use http::StatusCode;
use http::header::LOCATION;
use serde_json::Value;

use super::{Deleted, Page};
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Id, Idempotent, IfMatch, Json, Session, etag};
use crate::state::Web;
pub use shapes::{Api, ApiBody, Imported};

/// List APIs
///
/// For operators; the oldest first.
#[utoipa::path(get, path = "/v1/apis", operation_id = "list_apis",
    tag = "operator", security(("session" = [])),
    responses((status = 200, body = Page<Api>), (status = 403, body = Envelope)))]
pub async fn list(
    State(web): State<Web>,
    Session(caller): Session,
) -> Result<axum::Json<Page<Api>>, Failure> {
    let access = caller.operator()?;
    let found = apis::list(web.app(), &access).await?;
    Ok(axum::Json(Page::new(
        found.into_iter().map(Api::from).collect(),
        None,
    )))
}

/// Create an API
///
/// For operators. The first one is the default: it is meant where none is named.
#[utoipa::path(post, path = "/v1/apis", operation_id = "create_api",
    tag = "operator", request_body = ApiBody,
    security(("session" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe")),
    responses((status = 201, body = Api), (status = 403, body = Envelope),
        (status = 409, body = Envelope), (status = 422, body = Envelope)))]
pub async fn create(
    State(web): State<Web>,
    Session(caller): Session,
    idempotent: Idempotent,
    Json { value, bytes }: Json<ApiBody>,
) -> Result<Response, Failure> {
    let access = caller.operator()?;
    let replay = idempotent.key(&caller, &bytes)?;
    let api = apis::create(web.app(), &access, value.into(), replay.as_ref()).await?;
    let location = [(LOCATION, format!("/v1/apis/{}", api.id))];
    Ok((StatusCode::CREATED, location, shown(api)).into_response())
}

/// Show an API
#[utoipa::path(get, path = "/v1/apis/{id}", operation_id = "show_api",
    tag = "operator", security(("session" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = Api), (status = 404, body = Envelope)))]
pub async fn show(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<ApiId>,
) -> Result<Response, Failure> {
    let access = caller.operator()?;
    Ok(shown(apis::show(web.app(), &access, id).await?).into_response())
}

/// Change an API
///
/// A JSON merge patch; `scopes`, `routes` and `accepts` are replaced whole. A route that asks for
/// more does so from the next request on.
#[utoipa::path(patch, path = "/v1/apis/{id}", operation_id = "edit_api",
    tag = "operator", request_body = ApiBody,
    security(("session" = [])),
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Api), (status = 404, body = Envelope),
        (status = 409, body = Envelope), (status = 412, body = Envelope),
        (status = 422, body = Envelope)))]
pub async fn edit(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<ApiId>,
    IfMatch(version): IfMatch,
    Json { value, .. }: Json<ApiBody>,
) -> Result<Response, Failure> {
    let access = caller.operator()?;
    Ok(shown(apis::edit(web.app(), &access, id, value.into(), version).await?).into_response())
}

/// Delete an API
///
/// Credentials keep its scopes, which then open nothing. The default API goes last.
#[utoipa::path(delete, path = "/v1/apis/{id}", operation_id = "delete_api",
    tag = "operator", security(("session" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = 404, body = Envelope),
        (status = 409, body = Envelope)))]
pub async fn delete(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<ApiId>,
) -> Result<axum::Json<Deleted>, Failure> {
    let access = caller.operator()?;
    apis::delete(web.app(), &access, id).await?;
    Ok(Deleted::done())
}

/// Import an OpenAPI document
///
/// Replaces the API's routes by those of the document and adds the scopes that they ask for.
#[utoipa::path(post, path = "/v1/apis/{id}/import", operation_id = "import_routes",
    tag = "operator",
    request_body(content = Object, description = "An OpenAPI 3 document as JSON, up to 2 MiB"),
    security(("session" = [])),
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Imported), (status = 404, body = Envelope),
        (status = 412, body = Envelope), (status = 413, body = Envelope),
        (status = 422, body = Envelope)))]
pub async fn import(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<ApiId>,
    IfMatch(version): IfMatch,
    Json { value, .. }: Json<Value>,
) -> Result<Response, Failure> {
    let access = caller.operator()?;
    let imported = apis::import(web.app(), &access, id, &value, version).await?;
    let tag = etag(imported.api.version);
    Ok((tag, axum::Json(Imported::from(imported))).into_response())
}

fn shown(api: claviger_model::apis::Api) -> impl IntoResponse {
    (etag(api.version), axum::Json(Api::from(api)))
}
