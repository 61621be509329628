//! `/v1/accounts`: the operator's customers.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::ids::AccountId;
use claviger_model::{Reason, UnixMillis};
use claviger_service::accounts::{self, AccountEdit};
use claviger_service::{Caller, tokens};
use http::StatusCode;
use http::header::LOCATION;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Deleted, Nothing, Page};
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Id, Idempotent, IfMatch, Json, Paging, Query, Session, etag};
use crate::state::Web;

/// A customer.
#[derive(Serialize, ToSchema)]
pub struct Account {
    /// Its id.
    #[schema(value_type = String, example = "acct_01jnwz3c8k0000000000000000")]
    id: AccountId,
    /// Its name.
    #[schema(example = "Acme")]
    name: String,
    /// `active`, or `suspended`: then none of its credentials works.
    #[schema(example = "active")]
    status: &'static str,
    /// Since when it is suspended, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    suspended_at: Option<UnixMillis>,
    /// When it was made, in Unix milliseconds.
    #[schema(value_type = i64)]
    created_at: UnixMillis,
}

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountBody {
    /// Its name: 1 to 200 characters.
    #[schema(example = "Acme")]
    name: String,
}

/// What is to change about an account: absent members stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountPatch {
    /// Its name.
    name: Option<String>,
    /// `active` or `suspended`.
    #[schema(example = "suspended")]
    status: Option<String>,
}

/// List accounts
///
/// For operators; the oldest first.
#[utoipa::path(get, path = "/v1/accounts", operation_id = "list_accounts",
    tag = "operator", params(Paging),
    security(("session" = [])),
    responses((status = 200, body = Page<Account>), (status = 403, body = Envelope)))]
pub async fn list(
    State(web): State<Web>,
    Session(caller): Session,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<Page<Account>>, Failure> {
    let access = caller.operator()?;
    let page = accounts::list(web.app(), &access, paging.after()?, paging.limit()?).await?;
    let data = page.accounts.into_iter().map(Account::from).collect();
    Ok(axum::Json(Page::new(
        data,
        page.next.map(|id| id.to_string()),
    )))
}

/// Create an account
///
/// For operators. It makes nobody a member of it.
#[utoipa::path(post, path = "/v1/accounts", operation_id = "create_account",
    tag = "operator", request_body = AccountBody,
    security(("session" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe")),
    responses((status = 201, body = Account), (status = 403, body = Envelope),
        (status = 422, body = Envelope)))]
pub async fn create(
    State(web): State<Web>,
    Session(caller): Session,
    idempotent: Idempotent,
    Json { value, bytes }: Json<AccountBody>,
) -> Result<Response, Failure> {
    let access = caller.operator()?;
    let replay = idempotent.key(&caller, &bytes)?;
    let account = accounts::create(web.app(), &access, &value.name, replay.as_ref()).await?;
    let location = [(LOCATION, format!("/v1/accounts/{}", account.id))];
    Ok((StatusCode::CREATED, location, shown(account)).into_response())
}

/// Show an account
#[utoipa::path(get, path = "/v1/accounts/{id}", operation_id = "show_account",
    tag = "operator", security(("session" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = Account), (status = 404, body = Envelope)))]
pub async fn show(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<AccountId>,
) -> Result<Response, Failure> {
    let access = caller.operator()?;
    Ok(shown(accounts::show(web.app(), &access, id).await?).into_response())
}

/// Rename, suspend or activate an account
///
/// For operators; an owner renames the own account. When a suspension answers, no credential of the
/// account works on any node.
#[utoipa::path(patch, path = "/v1/accounts/{id}", operation_id = "edit_account",
    tag = "operator", request_body = AccountPatch,
    security(("session" = [])),
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Account), (status = 404, body = Envelope),
        (status = 412, body = Envelope), (status = 422, body = Envelope)))]
pub async fn edit(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<AccountId>,
    IfMatch(version): IfMatch,
    Json { value, .. }: Json<AccountPatch>,
) -> Result<Response, Failure> {
    if caller.operator().is_err() && caller.actor.account_id() == Some(id) && value.status.is_none()
    {
        let access = caller.account_managing()?;
        let name = value.name.unwrap_or_default();
        let renamed = accounts::rename(web.app(), &access, &name, version).await?;
        return Ok(shown(renamed).into_response());
    }
    let access = caller.operator()?;
    let input = AccountEdit {
        name: value.name,
        status: value.status,
    };
    Ok(shown(accounts::edit(web.app(), &access, id, &input, version).await?).into_response())
}

/// End all access tokens of an account
///
/// For operators, and for whoever manages the account's own clients. When this answers, no access
/// token that was issued before works on any node; clients can get new ones at once, and apps with
/// their refresh tokens: those end with their grants.
#[utoipa::path(post, path = "/v1/accounts/{id}/revoke-tokens",
    operation_id = "revoke_tokens_of_account", tag = "operator", request_body = Nothing,
    security(("session" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = 403, body = Envelope),
        (status = 404, body = Envelope)))]
pub async fn revoke_tokens(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<AccountId>,
    Json { .. }: Json<Nothing>,
) -> Result<axum::Json<Deleted>, Failure> {
    let access = caller.token_ending(id)?;
    tokens::end_of_account(web.app(), &access).await?;
    Ok(Deleted::done())
}

/// The account that a member of a body or query names.
pub(super) fn named_account(text: Option<&str>) -> Result<Option<AccountId>, Failure> {
    let id = text.map(str::parse).transpose();
    id.map_err(|_| Failure::field("account_id", "is no account's id"))
}

/// Refuses an account that an operator names and that there is not. What stands below one is not
/// found anyway; a list would be empty, and something new would have no place.
pub(super) async fn require(
    web: &Web,
    caller: &Caller,
    named: Option<AccountId>,
) -> Result<(), Failure> {
    let (Some(id), Ok(access)) = (named, caller.operator()) else {
        return Ok(());
    };
    match accounts::show(web.app(), &access, id).await {
        Ok(_) => Ok(()),
        Err(error) if error.reason() == Reason::NotFound => {
            Err(Failure::field("account_id", "is no account that exists"))
        }
        Err(error) => Err(error.into()),
    }
}

fn shown(account: claviger_model::accounts::Account) -> impl IntoResponse {
    (etag(account.version), axum::Json(Account::from(account)))
}

impl From<claviger_model::accounts::Account> for Account {
    fn from(account: claviger_model::accounts::Account) -> Self {
        Self {
            id: account.id,
            name: account.name,
            status: account.status.as_str(),
            suspended_at: account.status.suspended_at(),
            created_at: account.created_at,
        }
    }
}
