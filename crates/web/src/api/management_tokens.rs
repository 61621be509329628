//! `/v1/management-tokens`: what automation manages keys with, made by operators.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, ManagementTokenId};
use claviger_model::scopes::ScopeName;
use claviger_model::tokens::ManagementToken as Stored;
use claviger_service::management_tokens::{self, ManagementTokenDraft};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::members::account_id;
use super::{Deleted, Page, ShownOnce, TimeCursor};
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Id, Idempotent, Json, Paging, Query, Session};
use crate::state::Web;

/// A credential for `/v1/keys`.
#[derive(Serialize, ToSchema)]
pub struct ManagementToken {
    /// Its id.
    #[schema(value_type = String, example = "mgt_01jnwz3c8k0000000000000000")]
    id: ManagementTokenId,
    /// Whose keys it manages.
    #[schema(value_type = String)]
    account_id: AccountId,
    /// What it is for.
    #[schema(example = "Terraform")]
    name: String,
    /// Management scopes, and the API scopes that it may hand on.
    #[schema(value_type = Vec<String>, example = json!(["keys:write", "read:leads"]))]
    scopes: Vec<ScopeName>,
    /// The token itself; only in the answer that creates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "cm_…")]
    token: Option<ShownOnce>,
    /// The last four characters of the token.
    hint: String,
    /// When it was made, in Unix milliseconds.
    #[schema(value_type = i64)]
    created_at: UnixMillis,
    /// From when it does not work, in Unix milliseconds.
    #[schema(value_type = i64)]
    expires_at: UnixMillis,
    /// When it was revoked, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    revoked_at: Option<UnixMillis>,
}

/// A new management token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManagementTokenBody {
    /// Whose keys it is to manage.
    #[schema(example = "acct_01jnwz3c8k0000000000000000")]
    account_id: String,
    /// What it is for.
    #[schema(example = "Terraform")]
    name: String,
    /// `keys:read` or `keys:write`, and the API scopes that it may hand on.
    #[schema(example = json!(["keys:write", "read:leads"]))]
    scopes: Vec<String>,
    /// From when it does not work, in Unix milliseconds; in a day when absent, in a year at most.
    expires_at: Option<i64>,
}

/// Whose management tokens to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ManagementTokenQuery {
    /// The account; the session's when absent.
    account_id: Option<String>,
}

/// List management tokens
///
/// For operators; the newest first.
#[utoipa::path(get, path = "/v1/management-tokens", operation_id = "list_management_tokens",
    tag = "operator",
    params(ManagementTokenQuery, Paging), security(("session" = [])),
    responses((status = 200, body = Page<ManagementToken>), (status = 403, body = Envelope)))]
pub async fn list(
    State(web): State<Web>,
    Session(caller): Session,
    Query(query): Query<ManagementTokenQuery>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<Page<ManagementToken>>, Failure> {
    let access = caller.operator()?;
    let named = query.account_id.as_deref().map(account_id).transpose()?;
    let whose = named.or_else(|| caller.actor.account_id());
    let whose = whose.ok_or_else(|| Failure::field("account_id", "is required"))?;
    let after = paging
        .after::<TimeCursor<_>>()?
        .map(|TimeCursor(at, id)| (at, id));
    let limit = paging.limit()?;
    let page = management_tokens::list(web.app(), &access, whose, after, limit).await?;
    let next = page.next.map(|(at, id)| TimeCursor(at, id).to_string());
    let data = page
        .tokens
        .into_iter()
        .map(|token| ManagementToken::of(token, None))
        .collect();
    Ok(axum::Json(Page::new(data, next)))
}

/// Create a management token
///
/// For operators, where the configuration allows the management API. The token is in this answer
/// and never again.
#[utoipa::path(post, path = "/v1/management-tokens", operation_id = "create_management_token",
    tag = "operator",
    request_body = ManagementTokenBody, security(("session" = [])),
    responses((status = 201, body = ManagementToken), (status = 403, body = Envelope),
        (status = 404, body = Envelope), (status = 409, body = Envelope),
        (status = 422, body = Envelope)))]
pub async fn create(
    State(web): State<Web>,
    Session(caller): Session,
    idempotent: Idempotent,
    Json { value, bytes }: Json<ManagementTokenBody>,
) -> Result<Response, Failure> {
    let access = caller.operator()?;
    let draft = ManagementTokenDraft {
        account_id: account_id(&value.account_id)?,
        name: value.name,
        scopes: value.scopes,
        expires_at: value.expires_at,
    };
    let replay = idempotent.key(&caller, &bytes)?;
    let made = management_tokens::create(web.app(), &access, &draft, replay.as_ref()).await?;
    let body = ManagementToken::of(made.0, made.1.map(ShownOnce));
    let no_store = [(CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, no_store, axum::Json(body)).into_response())
}

/// Revoke a management token
///
/// When this answers, no node accepts it any more.
#[utoipa::path(delete, path = "/v1/management-tokens/{id}", operation_id = "revoke_management_token",
    tag = "operator",
    security(("session" = [])), params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = 404, body = Envelope)))]
pub async fn revoke(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<ManagementTokenId>,
) -> Result<axum::Json<Deleted>, Failure> {
    let access = caller.operator()?;
    management_tokens::revoke(web.app(), &access, id).await?;
    Ok(Deleted::done())
}

impl ManagementToken {
    fn of(token: Stored, plaintext: Option<ShownOnce>) -> Self {
        Self {
            id: token.id,
            account_id: token.account_id,
            name: token.name,
            scopes: token.scopes,
            token: plaintext,
            hint: token.stored.hint,
            created_at: token.created_at,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
        }
    }
}
