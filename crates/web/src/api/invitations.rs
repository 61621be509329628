//! `/v1/invitations`: offers to become a member. `POST /v1/members` makes them.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, InvitationId, UserId};
use claviger_service::invitations::{self, Invited, NamedInvitation};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::members::InAccount;
use super::{Deleted, Page, ShownOnce, accounts};
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Id, Json, Origin, Query, Session};
use crate::state::Web;

/// An open invitation.
#[derive(Serialize, ToSchema)]
pub struct Invitation {
    /// Its id.
    #[schema(value_type = String, example = "inv_01jnwz3c8k0000000000000000")]
    id: InvitationId,
    /// Whom it is for.
    #[schema(example = "ana@acme.test")]
    email: String,
    /// The id of the role that it gives.
    #[schema(example = "developer")]
    role: String,
    /// What the role is called.
    #[schema(example = "developer")]
    role_name: String,
    /// When it was made, in Unix milliseconds.
    #[schema(value_type = i64)]
    created_at: UnixMillis,
    /// From when it cannot be accepted, in Unix milliseconds.
    #[schema(value_type = i64)]
    expires_at: UnixMillis,
    /// The account.
    #[schema(value_type = String)]
    account_id: AccountId,
    /// What its link carries; only in the answer that creates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "ci_…")]
    token: Option<ShownOnce>,
}

/// Who takes an invitation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// What the invitation's link carries.
    #[schema(example = "ci_…")]
    token: String,
    /// A password for an address that is new, else the password of its user.
    password: String,
}

/// A membership that was taken.
#[derive(Serialize, ToSchema)]
pub struct Joined {
    /// The account.
    #[schema(value_type = String)]
    account_id: AccountId,
    /// The user, who can sign in now.
    #[schema(value_type = String)]
    user_id: UserId,
    /// The user's address.
    #[schema(example = "ana@acme.test")]
    email: String,
}

/// List open invitations
#[utoipa::path(get, path = "/v1/invitations", operation_id = "list_invitations",
    tag = "members", params(InAccount),
    security(("session" = [])),
    responses((status = 200, body = Page<Invitation>), (status = 403, body = Envelope),
        (status = 422, body = Envelope)))]
pub async fn list(
    State(web): State<Web>,
    Session(caller): Session,
    Query(within): Query<InAccount>,
) -> Result<axum::Json<Page<Invitation>>, Failure> {
    let access = within.team(&caller)?;
    accounts::require(&web, &caller, within.named()?).await?;
    let found = invitations::list(web.app(), &access).await?;
    let data = found
        .into_iter()
        .map(|one| Invitation::of(one, None))
        .collect();
    Ok(axum::Json(Page::new(data, None)))
}

/// Withdraw an invitation
#[utoipa::path(delete, path = "/v1/invitations/{id}", operation_id = "withdraw_invitation",
    tag = "members",
    security(("session" = [])), params(("id" = String, Path), InAccount),
    responses((status = 200, body = Deleted), (status = 404, body = Envelope)))]
pub async fn withdraw(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<InvitationId>,
    Query(within): Query<InAccount>,
) -> Result<axum::Json<Deleted>, Failure> {
    let access = within.team(&caller)?;
    invitations::withdraw(web.app(), &access, id).await?;
    Ok(Deleted::done())
}

/// Accept an invitation
///
/// Needs no sign-in: the token proves that the address was reached. It works once.
#[utoipa::path(post, path = "/v1/invitations/accept", operation_id = "accept_invitation",
    tag = "members",
    request_body = Acceptance,
    responses((status = 201, body = Joined), (status = 401, body = Envelope),
        (status = 422, body = Envelope), (status = 429, body = Envelope)))]
pub async fn accept(
    State(web): State<Web>,
    origin: Origin,
    Json { value, .. }: Json<Acceptance>,
) -> Result<Response, Failure> {
    let password = Zeroizing::new(value.password);
    let accepted = invitations::accept(web.app(), &value.token, password, origin.into()).await?;
    let body = Joined {
        account_id: accepted.account_id,
        user_id: accepted.user_id,
        email: accepted.email,
    };
    Ok((StatusCode::CREATED, axum::Json(body)).into_response())
}

impl Invitation {
    /// The answer that makes one.
    pub(super) fn created(invited: Invited) -> Response {
        let body = Self::of(invited.invitation, invited.token.map(ShownOnce));
        (
            StatusCode::CREATED,
            [(CACHE_CONTROL, "no-store")],
            axum::Json(body),
        )
            .into_response()
    }

    fn of(invitation: NamedInvitation, token: Option<ShownOnce>) -> Self {
        Self {
            id: invitation.id,
            email: invitation.email,
            role: invitation.role.to_string(),
            role_name: invitation.role_name,
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
            account_id: invitation.account_id,
            token,
        }
    }
}
