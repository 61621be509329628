//! `/v1/grants`: what users allowed apps to do.

use axum::extract::State;
use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, ClientId, GrantId, UserId};
use claviger_service::Caller;
use claviger_service::access::GrantAccess;
use claviger_service::grants::{self, GrantFilter, GrantedScope, NamedGrant};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Deleted, Page};
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Id, Paging, Principal, Query, Session};
use crate::state::Web;

/// What a user allowed an app to do in an account.
#[derive(Serialize, ToSchema)]
#[schema(as = Grant)]
pub struct GrantShape {
    /// Its id.
    #[schema(value_type = String, example = "grt_01jnwz3c8k0000000000000000")]
    id: GrantId,
    /// The app.
    #[schema(value_type = String, example = "cli_01jnwz3c8k0000000000000000")]
    client_id: ClientId,
    /// What the app is called.
    #[schema(example = "Campaign Planner")]
    client_name: String,
    /// Where the app acts.
    #[schema(value_type = String)]
    account_id: AccountId,
    /// What that account is called.
    #[schema(example = "Acme")]
    account_name: String,
    /// For whom it acts.
    #[schema(value_type = String)]
    user_id: UserId,
    /// The address of that user, for those who manage the account's clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ana@acme.test")]
    user_email: Option<String>,
    /// What the user agreed to. What the app may do is never more than what the user may do when
    /// it does it.
    scopes: Vec<GrantScope>,
    /// When the user agreed first, in Unix milliseconds.
    #[schema(value_type = i64)]
    created_at: UnixMillis,
    /// When the user agreed last.
    #[schema(value_type = i64)]
    consented_at: UnixMillis,
    /// When the app began to use its latest access token; absent when it used none lately.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    last_used_at: Option<UnixMillis>,
}

/// A scope that a user agreed to.
#[derive(Serialize, ToSchema)]
pub struct GrantScope {
    /// Its name.
    #[schema(example = "read:leads")]
    name: String,
    /// What it stands for.
    #[schema(example = "See leads")]
    description: String,
    /// Whether it needs care.
    sensitive: bool,
}

/// Which grants.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GrantQuery {
    /// Only those of this app.
    client_id: Option<String>,
    /// `true`: those of everybody in the account, for those who manage its clients.
    all: Option<String>,
    /// Only those of this user.
    user_id: Option<String>,
}

/// Of which app.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OfClient {
    /// The app.
    client_id: Option<String>,
}

/// List connected apps
///
/// Your own, in every account; with `all=true` those of everybody in the account. Apps that were
/// deleted are not among them.
#[utoipa::path(get, path = "/v1/grants", operation_id = "list_grants",
    tag = "grants", params(GrantQuery, Paging),
    security(("session" = []), ("management" = [])),
    responses((status = 200, body = Page<GrantShape>), (status = 403, body = Envelope),
        (status = 422, body = Envelope)))]
pub async fn list(
    State(web): State<Web>,
    Principal(caller): Principal,
    Query(asked): Query<GrantQuery>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<Page<GrantShape>>, Failure> {
    let is_all = match asked.all.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Failure::field("all", "must be true or false")),
    };
    let access = list_access(&caller, is_all)?;
    let filter = GrantFilter {
        account_id: None,
        user_id: parsed("user_id", "is no user's id", asked.user_id.as_deref())?,
        client_id: parsed("client_id", "is no client's id", asked.client_id.as_deref())?,
        after: paging.after()?,
        limit: paging.limit()?,
    };
    let page = grants::list(web.app(), &access, filter).await?;
    let shown = page.grants.into_iter();
    let data = shown.map(|grant| GrantShape::new(grant, is_all)).collect();
    Ok(axum::Json(Page::new(
        data,
        page.next.map(|id| id.to_string()),
    )))
}

/// Show a connected app
#[utoipa::path(get, path = "/v1/grants/{id}", operation_id = "show_grant",
    tag = "grants", params(("id" = String, Path)),
    security(("session" = []), ("management" = [])),
    responses((status = 200, body = GrantShape), (status = 404, body = Envelope)))]
pub async fn show(
    State(web): State<Web>,
    Principal(caller): Principal,
    Id(id): Id<GrantId>,
) -> Result<axum::Json<GrantShape>, Failure> {
    let access = caller.grant_reading()?;
    let grant = grants::show(web.app(), &access, id).await?;
    Ok(axum::Json(GrantShape::new(grant, true)))
}

/// Disconnect an app
///
/// For the user who allowed it, for those who manage the account's clients, and for operators. When
/// this answers, no token of the app that came from it works any more, on any node. Only the user's
/// consent connects the app again.
#[utoipa::path(delete, path = "/v1/grants/{id}", operation_id = "end_grant",
    tag = "grants", params(("id" = String, Path)),
    security(("session" = []), ("management" = [])),
    responses((status = 200, body = Deleted), (status = 404, body = Envelope)))]
pub async fn end(
    State(web): State<Web>,
    Principal(caller): Principal,
    Id(id): Id<GrantId>,
) -> Result<axum::Json<Deleted>, Failure> {
    let access = caller.grant_ending()?;
    grants::end(web.app(), &access, id).await?;
    Ok(Deleted::done())
}

/// Disconnect an app everywhere
///
/// Ends what you allowed the app `client_id`, in every account. What other users allowed it goes
/// on.
#[utoipa::path(delete, path = "/v1/grants", operation_id = "end_own_grants",
    tag = "grants", params(OfClient), security(("session" = [])),
    responses((status = 200, body = Deleted), (status = 422, body = Envelope)))]
pub async fn end_own(
    State(web): State<Web>,
    Session(caller): Session,
    Query(asked): Query<OfClient>,
) -> Result<axum::Json<Deleted>, Failure> {
    let named = parsed("client_id", "is no client's id", asked.client_id.as_deref())?;
    let client_id = named.ok_or_else(|| Failure::field("client_id", "is needed"))?;
    grants::end_all_of(web.app(), &caller.own_grants()?, client_id).await?;
    Ok(Deleted::done())
}

fn list_access(caller: &Caller, is_all: bool) -> Result<GrantAccess, Failure> {
    if is_all {
        return Ok(caller.account_grants()?);
    }
    Ok(caller.own_grants()?)
}

fn parsed<T: std::str::FromStr>(
    member: &str,
    sentence: &str,
    text: Option<&str>,
) -> Result<Option<T>, Failure> {
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|_| Failure::field(member, sentence))
}

impl GrantShape {
    /// A grant as it is shown to its own user, or with the user's address to others.
    pub fn new(grant: NamedGrant, with_email: bool) -> Self {
        let NamedGrant {
            grant,
            client_name,
            account_name,
            user_email,
            scopes,
            last_used_at,
        } = grant;
        Self {
            id: grant.id,
            client_id: grant.client_id,
            client_name,
            account_id: grant.account_id,
            account_name,
            user_id: grant.user_id,
            user_email: with_email.then_some(user_email),
            scopes: scopes.into_iter().map(GrantScope::from).collect(),
            created_at: grant.created_at,
            consented_at: grant.consented_at,
            last_used_at,
        }
    }
}

impl From<GrantedScope> for GrantScope {
    fn from(scope: GrantedScope) -> Self {
        Self {
            name: scope.name.to_string(),
            description: scope.description,
            sensitive: scope.sensitive,
        }
    }
}
