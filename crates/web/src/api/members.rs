//! `/v1/members`: who belongs to an account.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, UserId};
use claviger_service::Caller;
use claviger_service::access::TeamAccess;
use claviger_service::members::{self, Added, NamedMember, NewMember};
use http::StatusCode;
use http::header::LOCATION;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zeroize::Zeroizing;

use super::accounts::named_account;
use super::invitations::Invitation;
use super::{Deleted, Page, accounts};
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Id, Idempotent, IfMatch, Json, Paging, Query, Session, etag};
use crate::state::Web;

/// A user in an account.
#[derive(Serialize, ToSchema)]
pub struct Member {
    /// The user.
    #[schema(value_type = String, example = "usr_01jnwz3c8k0000000000000000")]
    user_id: UserId,
    /// The user's address.
    #[schema(example = "ana@acme.test")]
    email: String,
    /// What the user wants to be called.
    #[schema(example = "Ana Lima")]
    name: Option<String>,
    /// The id of the role: a built-in one's name, else `role_…`.
    #[schema(example = "developer")]
    role: String,
    /// What the role is called.
    #[schema(example = "developer")]
    role_name: String,
    /// `active`, or `suspended` by the operator.
    status: &'static str,
    /// Since when the user is a member, in Unix milliseconds.
    #[schema(value_type = i64)]
    created_at: UnixMillis,
    /// The account.
    #[schema(value_type = String)]
    account_id: AccountId,
}

/// Who is to become a member.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberBody {
    /// The address.
    #[schema(example = "ana@acme.test")]
    email: String,
    /// The id or name of a role.
    #[schema(example = "developer")]
    role: String,
    /// For operators, and addresses that are new: a password instead of an invitation.
    password: Option<String>,
    /// For operators: in which account; the session's when absent.
    account_id: Option<String>,
}

/// What is to change about a member.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberPatch {
    /// The id or name of a role.
    #[schema(example = "admin")]
    role: String,
}

/// In which account to act.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InAccount {
    /// For operators: the account; the session's when absent.
    account_id: Option<String>,
}

/// List members
#[utoipa::path(get, path = "/v1/members", operation_id = "list_members",
    tag = "members", params(InAccount, Paging),
    security(("session" = [])),
    responses((status = 200, body = Page<Member>), (status = 403, body = Envelope),
        (status = 422, body = Envelope)))]
pub async fn list(
    State(web): State<Web>,
    Session(caller): Session,
    Query(within): Query<InAccount>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<Page<Member>>, Failure> {
    let access = within.team(&caller)?;
    accounts::require(&web, &caller, within.named()?).await?;
    let page = members::list(web.app(), &access, paging.after()?, paging.limit()?).await?;
    let data = page.members.into_iter().map(Member::from).collect();
    Ok(axum::Json(Page::new(
        data,
        page.next.map(|id| id.to_string()),
    )))
}

/// Add or invite a member
///
/// Without a password this makes an invitation; its token is in this answer and never again.
#[utoipa::path(post, path = "/v1/members", operation_id = "add_member",
    tag = "members", request_body = MemberBody,
    security(("session" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe")),
    responses((status = 201, body = Member, description = "The member, or the invitation"),
        (status = 403, body = Envelope), (status = 409, body = Envelope),
        (status = 422, body = Envelope)))]
pub async fn create(
    State(web): State<Web>,
    Session(caller): Session,
    idempotent: Idempotent,
    Json { value, bytes }: Json<MemberBody>,
) -> Result<Response, Failure> {
    let within = InAccount {
        account_id: value.account_id,
    };
    let access = within.team(&caller)?;
    accounts::require(&web, &caller, within.named()?).await?;
    let operator = caller.operator().ok();
    let replay = idempotent.key(&caller, &bytes)?;
    let password = value.password.map(Zeroizing::new);
    let input = NewMember {
        email: value.email,
        role: value.role,
        password,
    };
    match members::add(
        web.app(),
        &access,
        operator.as_ref(),
        input,
        replay.as_ref(),
    )
    .await?
    {
        Added::Invited(invited) => Ok(Invitation::created(invited)),
        Added::Member(member) => {
            let location = [(LOCATION, format!("/v1/members/{}", member.user_id))];
            Ok((StatusCode::CREATED, location, shown(member)).into_response())
        }
    }
}

/// Show a member
#[utoipa::path(get, path = "/v1/members/{user_id}", operation_id = "show_member",
    tag = "members", security(("session" = [])),
    params(("user_id" = String, Path), InAccount),
    responses((status = 200, body = Member), (status = 404, body = Envelope)))]
pub async fn show(
    State(web): State<Web>,
    Session(caller): Session,
    Id(user_id): Id<UserId>,
    Query(within): Query<InAccount>,
) -> Result<Response, Failure> {
    let access = within.team(&caller)?;
    let member = members::show(web.app(), &access, user_id).await?;
    Ok(shown(member).into_response())
}

/// Give a member another role
///
/// The member's sessions follow with the next request.
#[utoipa::path(patch, path = "/v1/members/{user_id}", operation_id = "edit_member",
    tag = "members",
    request_body = MemberPatch, security(("session" = [])),
    params(("user_id" = String, Path), InAccount, ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Member), (status = 403, body = Envelope),
        (status = 404, body = Envelope), (status = 409, body = Envelope),
        (status = 412, body = Envelope), (status = 422, body = Envelope)))]
pub async fn edit(
    State(web): State<Web>,
    Session(caller): Session,
    Id(user_id): Id<UserId>,
    Query(within): Query<InAccount>,
    IfMatch(version): IfMatch,
    Json { value, .. }: Json<MemberPatch>,
) -> Result<Response, Failure> {
    let access = within.team(&caller)?;
    let member = members::edit(web.app(), &access, user_id, value.role, version).await?;
    Ok(shown(member).into_response())
}

/// Remove a member
///
/// When this answers, the user's sessions in the account have ended.
#[utoipa::path(delete, path = "/v1/members/{user_id}", operation_id = "remove_member",
    tag = "members",
    security(("session" = [])), params(("user_id" = String, Path), InAccount),
    responses((status = 200, body = Deleted), (status = 403, body = Envelope),
        (status = 404, body = Envelope), (status = 409, body = Envelope)))]
pub async fn remove(
    State(web): State<Web>,
    Session(caller): Session,
    Id(user_id): Id<UserId>,
    Query(within): Query<InAccount>,
) -> Result<axum::Json<Deleted>, Failure> {
    let access = within.team(&caller)?;
    members::remove(web.app(), &access, user_id).await?;
    Ok(Deleted::done())
}

impl InAccount {
    /// The permission to manage the team of the session's account, or for an operator of the
    /// account that is named.
    pub(super) fn team(&self, caller: &Caller) -> Result<TeamAccess, Failure> {
        let Some(named) = self.named()? else {
            return Ok(caller.team()?);
        };
        if caller.actor.account_id() == Some(named) && caller.operator().is_err() {
            return Ok(caller.team()?);
        }
        Ok(caller.team_of(named)?)
    }

    /// The account that is named.
    pub(super) fn named(&self) -> Result<Option<AccountId>, Failure> {
        named_account(self.account_id.as_deref())
    }
}

fn shown(member: NamedMember) -> impl IntoResponse {
    (etag(member.version), axum::Json(Member::from(member)))
}

impl From<NamedMember> for Member {
    fn from(member: NamedMember) -> Self {
        Self {
            user_id: member.user_id,
            email: member.email,
            name: member.name,
            role: member.role.to_string(),
            role_name: member.role_name,
            status: if member.suspended_at.is_some() {
                "suspended"
            } else {
                "active"
            },
            created_at: member.created_at,
            account_id: member.account_id,
        }
    }
}
