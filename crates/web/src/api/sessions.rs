//! Signing in and out, and who one is.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, UserId};
use claviger_model::roles::Permission;
use claviger_service::actor::SignedIn;
use claviger_service::sessions::{self, SignIn};
use claviger_service::{Actor, Error, accounts};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{Deleted, ShownOnce};
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Json, Origin, Session};
use crate::state::Web;

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The user's address.
    #[schema(example = "admin@acme.test")]
    email: String,
    /// The user's password.
    password: String,
    /// In which account; the user's first one when absent.
    account_id: Option<String>,
}

/// A session that was started.
#[derive(Serialize, ToSchema)]
pub struct Started {
    /// The token, shown once.
    #[schema(value_type = String, example = "ses_…")]
    session_token: ShownOnce,
    /// When it ends, in Unix milliseconds: 24 hours after its start.
    #[schema(value_type = i64)]
    expires_at: UnixMillis,
    /// In which account it acts.
    #[schema(value_type = Option<String>)]
    account_id: Option<AccountId>,
    /// Who signed in.
    #[schema(value_type = String)]
    user_id: UserId,
}

/// Who one is.
#[derive(Serialize, ToSchema)]
pub struct WhoAmI {
    /// The user.
    user: Myself,
    /// The account; null for an operator who is in none.
    account: Option<MyAccount>,
    /// The role in the account.
    role: Option<String>,
    /// What the role allows.
    #[schema(value_type = Vec<String>)]
    permissions: Vec<Permission>,
    /// Whether the user runs the instance.
    operator: bool,
}

/// A user, to the user.
#[derive(Serialize, ToSchema)]
struct Myself {
    #[schema(value_type = String)]
    id: UserId,
    email: String,
}

/// An account, to its member.
#[derive(Serialize, ToSchema)]
struct MyAccount {
    #[schema(value_type = String)]
    id: AccountId,
    name: String,
    status: &'static str,
}

/// Sign in
///
/// A session token lasts 24 hours. A wrong address and a wrong password get the same answer.
#[utoipa::path(post, path = "/v1/sessions", operation_id = "start_session",
    tag = "sessions", request_body = Credentials,
    responses((status = 201, body = Started), (status = 401, body = Envelope),
        (status = 429, body = Envelope)))]
pub async fn start(
    State(web): State<Web>,
    origin: Origin,
    Json { value, .. }: Json<Credentials>,
) -> Result<Response, Failure> {
    let account_id = value.account_id.as_deref().map(str::parse).transpose();
    let input = SignIn {
        email: value.email,
        password: Zeroizing::new(value.password),
        account_id: account_id.map_err(|_| Failure::field("account_id", "is no account's id"))?,
    };
    let started = sessions::start(web.app(), input, origin.into()).await?;
    let body = Started {
        session_token: ShownOnce(started.token),
        expires_at: started.session.expires_at,
        account_id: started.session.account_id,
        user_id: started.session.user_id,
    };
    Ok((
        StatusCode::CREATED,
        [(CACHE_CONTROL, "no-store")],
        axum::Json(body),
    )
        .into_response())
}

/// Sign out
///
/// When this answers, no node accepts the session token any more.
#[utoipa::path(delete, path = "/v1/sessions/current", operation_id = "end_session",
    tag = "sessions",
    security(("session" = [])),
    responses((status = 200, body = Deleted), (status = 401, body = Envelope)))]
pub async fn end(
    State(web): State<Web>,
    Session(caller): Session,
) -> Result<axum::Json<Deleted>, Failure> {
    sessions::end(web.app(), &caller).await?;
    Ok(Deleted::done())
}

/// Who am I?
#[utoipa::path(get, path = "/v1/whoami", operation_id = "whoami",
    tag = "sessions", security(("session" = [])),
    responses((status = 200, body = WhoAmI), (status = 401, body = Envelope)))]
pub async fn whoami(
    State(web): State<Web>,
    Session(caller): Session,
) -> Result<axum::Json<WhoAmI>, Failure> {
    let Actor::User(user) = caller.actor else {
        return Err(Error::refused(claviger_model::Reason::SessionRequired).into());
    };
    let account = match &user.place {
        Some(place) => Some(accounts::own(web.app(), place).await?),
        None => None,
    };
    Ok(axum::Json(WhoAmI::of(user, account)))
}

impl WhoAmI {
    fn of(user: SignedIn, account: Option<claviger_model::accounts::Account>) -> Self {
        let place = user.place;
        Self {
            user: Myself {
                id: user.user_id,
                email: user.email,
            },
            account: account.map(|account| MyAccount {
                id: account.id,
                name: account.name,
                status: account.status.as_str(),
            }),
            role: place
                .as_ref()
                .and_then(|place| place.role)
                .map(|role| role.to_string()),
            permissions: place
                .map(|place| place.powers.permissions)
                .unwrap_or_default(),
            operator: user.is_operator,
        }
    }
}
