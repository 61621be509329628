//! `/v1/roles`: the built-in roles and those that an account makes.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::UnixMillis;
use claviger_model::roles::{Permission, RoleRef};
use claviger_model::scopes::ScopePatterns;
use claviger_service::roles::{self, NamedRole, RoleDraft};
use http::StatusCode;
use http::header::LOCATION;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::members::InAccount;
use super::{Deleted, Page};
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Id, Idempotent, IfMatch, Json, Query, Session, etag};
use crate::state::Web;

/// What members with a role may do.
#[derive(Serialize, ToSchema)]
pub struct Role {
    /// Its id: a built-in one's name, else `role_…`.
    #[schema(example = "developer")]
    id: String,
    /// Its name.
    #[schema(example = "developer")]
    name: String,
    /// Which of `settings`, `team`, `evidence` and `account` it gives.
    #[schema(value_type = Vec<String>, example = json!(["evidence"]))]
    permissions: Vec<Permission>,
    /// The scopes of its members' sessions; a final `*` stands for any rest.
    #[schema(value_type = Vec<String>, example = json!(["read:*"]))]
    scopes: ScopePatterns,
    /// Whether every account has it and nobody can change it.
    built_in: bool,
    /// When it was made, in Unix milliseconds; null for a built-in one.
    #[schema(value_type = Option<i64>)]
    created_at: Option<UnixMillis>,
}

/// A role, or what is to change about one: absent members stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleBody {
    /// Its name, unique in the account; required for a new one.
    #[schema(example = "Key manager")]
    name: Option<String>,
    /// Which of `settings`, `team`, `evidence` and `account` it gives.
    #[schema(example = json!(["settings"]))]
    permissions: Option<Vec<String>>,
    /// The scopes of its members' sessions; a final `*` stands for any rest.
    #[schema(example = json!(["read:*"]))]
    scopes: Option<Vec<String>>,
}

/// List roles
///
/// The built-in ones first.
#[utoipa::path(get, path = "/v1/roles", operation_id = "list_roles",
    tag = "members", params(InAccount),
    security(("session" = [])),
    responses((status = 200, body = Page<Role>), (status = 403, body = Envelope)))]
pub async fn list(
    State(web): State<Web>,
    Session(caller): Session,
    Query(within): Query<InAccount>,
) -> Result<axum::Json<Page<Role>>, Failure> {
    let access = within.team(&caller)?;
    let found = roles::list(web.app(), &access).await?;
    Ok(axum::Json(Page::new(
        found.into_iter().map(Role::from).collect(),
        None,
    )))
}

/// Create a role
///
/// Nobody gives a role more than they have.
#[utoipa::path(post, path = "/v1/roles", operation_id = "create_role",
    tag = "members", request_body = RoleBody,
    security(("session" = [])),
    params(InAccount,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe")),
    responses((status = 201, body = Role), (status = 403, body = Envelope),
        (status = 409, body = Envelope), (status = 422, body = Envelope)))]
pub async fn create(
    State(web): State<Web>,
    Session(caller): Session,
    idempotent: Idempotent,
    Query(within): Query<InAccount>,
    Json { value, bytes }: Json<RoleBody>,
) -> Result<Response, Failure> {
    let access = within.team(&caller)?;
    let replay = idempotent.key(&caller, &bytes)?;
    let role = roles::create(web.app(), &access, &value.into(), replay.as_ref()).await?;
    let location = [(LOCATION, format!("/v1/roles/{}", role.role))];
    Ok((StatusCode::CREATED, location, shown(role)).into_response())
}

/// Show a role
#[utoipa::path(get, path = "/v1/roles/{id}", operation_id = "show_role",
    tag = "members", security(("session" = [])),
    params(("id" = String, Path, description = "Its id or name"), InAccount),
    responses((status = 200, body = Role), (status = 404, body = Envelope)))]
pub async fn show(
    State(web): State<Web>,
    Session(caller): Session,
    Id(role): Id<String>,
    Query(within): Query<InAccount>,
) -> Result<Response, Failure> {
    let access = within.team(&caller)?;
    Ok(shown(roles::show(web.app(), &access, &role).await?))
}

/// Change a role
///
/// Its members' sessions follow with the next request.
#[utoipa::path(patch, path = "/v1/roles/{id}", operation_id = "edit_role",
    tag = "members", request_body = RoleBody,
    security(("session" = [])),
    params(("id" = String, Path), InAccount, ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Role), (status = 403, body = Envelope),
        (status = 404, body = Envelope), (status = 409, body = Envelope),
        (status = 412, body = Envelope), (status = 422, body = Envelope)))]
pub async fn edit(
    State(web): State<Web>,
    Session(caller): Session,
    Id(role): Id<RoleRef>,
    Query(within): Query<InAccount>,
    IfMatch(version): IfMatch,
    Json { value, .. }: Json<RoleBody>,
) -> Result<Response, Failure> {
    let access = within.team(&caller)?;
    Ok(shown(
        roles::edit(web.app(), &access, role, value.into(), version).await?,
    ))
}

/// Delete a role
///
/// One that members or open invitations have is kept: 409.
#[utoipa::path(delete, path = "/v1/roles/{id}", operation_id = "delete_role",
    tag = "members", security(("session" = [])),
    params(("id" = String, Path), InAccount),
    responses((status = 200, body = Deleted), (status = 403, body = Envelope),
        (status = 404, body = Envelope), (status = 409, body = Envelope)))]
pub async fn delete(
    State(web): State<Web>,
    Session(caller): Session,
    Id(role): Id<RoleRef>,
    Query(within): Query<InAccount>,
) -> Result<axum::Json<Deleted>, Failure> {
    let access = within.team(&caller)?;
    roles::delete(web.app(), &access, role).await?;
    Ok(Deleted::done())
}

/// A built-in role has no version, because nobody changes it.
fn shown(role: NamedRole) -> Response {
    let tag = role.version.map(etag);
    let body = axum::Json(Role::from(role));
    match tag {
        Some(tag) => (tag, body).into_response(),
        None => body.into_response(),
    }
}

impl From<NamedRole> for Role {
    fn from(role: NamedRole) -> Self {
        Self {
            id: role.role.to_string(),
            name: role.name,
            permissions: role.powers.permissions,
            scopes: role.powers.scopes,
            built_in: matches!(role.role, RoleRef::BuiltIn(_)),
            created_at: role.created_at,
        }
    }
}

impl From<RoleBody> for RoleDraft {
    fn from(body: RoleBody) -> Self {
        Self {
            name: body.name,
            permissions: body.permissions,
            scopes: body.scopes,
        }
    }
}
