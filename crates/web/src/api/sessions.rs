//! Signing in and out, and who one is.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::UnixMillis;
use claviger_model::accounts::Account;
use claviger_model::ids::{AccountId, SessionId, UserId};
use claviger_model::roles::Permission;
use claviger_service::accounts::{self, Mine};
use claviger_service::actor::SignedIn;
use claviger_service::sessions::{self, SignIn};
use claviger_service::{Actor, Caller, users};
use http::header::CACHE_CONTROL;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::accounts::named_account;
use super::{Deleted, Page, ShownOnce};
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Id, Json, Origin, Session, user_agent};
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

/// Another name for oneself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MyPatch {
    /// At most 200 characters; an empty one takes the name away.
    #[schema(example = "Ana Lima")]
    name: String,
}

/// Where to go on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountChoice {
    /// The account; for operators also null, which is none.
    account_id: Option<String>,
}

/// A session, to the person whose it is.
#[derive(Serialize, ToSchema)]
pub struct OwnSession {
    /// Its id.
    #[schema(value_type = String, example = "sid_01jnwz3c8k0000000000000000")]
    id: SessionId,
    /// In which account it acts.
    #[schema(value_type = Option<String>)]
    account_id: Option<AccountId>,
    /// What the account is called.
    account_name: Option<String>,
    /// When it started, in Unix milliseconds.
    #[schema(value_type = i64)]
    created_at: UnixMillis,
    /// When it ends, in Unix milliseconds.
    #[schema(value_type = i64)]
    expires_at: UnixMillis,
    /// From which address it was started.
    ip: Option<String>,
    /// What the program called itself that started it.
    user_agent: Option<String>,
    /// Whether it is the one that asks.
    current: bool,
}

/// Sessions were ended.
#[derive(Serialize, ToSchema)]
pub struct Ended {
    /// Always true.
    ok: bool,
    /// How many.
    ended: usize,
}

/// Who one is.
#[derive(Serialize, ToSchema)]
pub struct WhoAmI {
    /// The user.
    user: Myself,
    /// The account; null for an operator who is in none.
    account: Option<MyAccount>,
    /// Every account that one is a member of, the oldest membership first.
    accounts: Vec<MyAccount>,
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
    /// What the user wants to be called.
    name: Option<String>,
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
    headers: HeaderMap,
    Json { value, .. }: Json<Credentials>,
) -> Result<Response, Failure> {
    let input = SignIn {
        email: value.email,
        password: Zeroizing::new(value.password),
        account_id: named_account(value.account_id.as_deref())?,
        user_agent: user_agent(&headers),
    };
    let started = sessions::start(web.app(), input, origin.into()).await?;
    Ok(created(started))
}

/// List one's sessions
///
/// Those that have not ended: the one that asks first, then the newest.
#[utoipa::path(get, path = "/v1/sessions", operation_id = "list_sessions",
    tag = "sessions", security(("session" = [])),
    responses((status = 200, body = Page<OwnSession>), (status = 401, body = Envelope)))]
pub async fn list(
    State(web): State<Web>,
    Session(caller): Session,
) -> Result<axum::Json<Page<OwnSession>>, Failure> {
    let found = sessions::own(web.app(), &caller).await?;
    let data = found.into_iter().map(OwnSession::from).collect();
    Ok(axum::Json(Page::new(data, None)))
}

/// End all other sessions
///
/// When this answers, no node accepts any session token of the user but the one that was sent.
#[utoipa::path(delete, path = "/v1/sessions", operation_id = "end_other_sessions",
    tag = "sessions", security(("session" = [])),
    responses((status = 200, body = Ended), (status = 401, body = Envelope)))]
pub async fn end_others(
    State(web): State<Web>,
    Session(caller): Session,
) -> Result<axum::Json<Ended>, Failure> {
    let ended = sessions::end_others(web.app(), &caller).await?;
    Ok(axum::Json(Ended { ok: true, ended }))
}

/// End one of one's sessions
///
/// When this answers, no node accepts its token any more.
#[utoipa::path(delete, path = "/v1/sessions/{id}", operation_id = "end_own_session",
    tag = "sessions", security(("session" = [])), params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = 404, body = Envelope)))]
pub async fn end_own(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<SessionId>,
) -> Result<axum::Json<Deleted>, Failure> {
    sessions::end_own(web.app(), &caller, id).await?;
    Ok(Deleted::done())
}

/// Go on in another account
///
/// The token that was sent ends; the new one lasts as long as that would have. An operator may
/// enter any account, which is audited, and go on in none.
#[utoipa::path(post, path = "/v1/sessions/current/account", operation_id = "switch_account",
    tag = "sessions", request_body = AccountChoice, security(("session" = [])),
    responses((status = 201, body = Started), (status = 403, body = Envelope),
        (status = 422, body = Envelope)))]
pub async fn switch(
    State(web): State<Web>,
    Session(caller): Session,
    Json { value, .. }: Json<AccountChoice>,
) -> Result<Response, Failure> {
    let account_id = named_account(value.account_id.as_deref())?;
    let started = sessions::switch(web.app(), &caller, account_id).await?;
    Ok(created(started))
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
    shown(&web, &caller).await
}

/// Change one's name
///
/// What one is called in lists; the address stays what one signs in with. An empty name takes it
/// away.
#[utoipa::path(patch, path = "/v1/whoami", operation_id = "rename_myself",
    tag = "sessions", request_body = MyPatch, security(("session" = [])),
    responses((status = 200, body = WhoAmI), (status = 422, body = Envelope)))]
pub async fn rename(
    State(web): State<Web>,
    Session(mut caller): Session,
    Json { value, .. }: Json<MyPatch>,
) -> Result<axum::Json<WhoAmI>, Failure> {
    let name = users::rename(web.app(), &caller, &value.name).await?;
    if let Actor::User(user) = &mut caller.actor {
        user.name = name;
    }
    shown(&web, &caller).await
}

async fn shown(web: &Web, caller: &Caller) -> Result<axum::Json<WhoAmI>, Failure> {
    let user = caller.signed_in()?.clone();
    let account = match &user.place {
        Some(place) => Some(accounts::own(web.app(), place).await?),
        None => None,
    };
    let mine = accounts::mine(web.app(), caller).await?;
    Ok(axum::Json(WhoAmI::of(user, account, mine)))
}

fn created(started: sessions::Started) -> Response {
    let body = Started {
        session_token: ShownOnce(started.token),
        expires_at: started.session.expires_at,
        account_id: started.session.account_id,
        user_id: started.session.user_id,
    };
    let no_store = [(CACHE_CONTROL, "no-store")];
    (StatusCode::CREATED, no_store, axum::Json(body)).into_response()
}

impl From<sessions::OwnSession> for OwnSession {
    fn from(session: sessions::OwnSession) -> Self {
        Self {
            id: session.id,
            account_id: session.account_id,
            account_name: session.account_name,
            created_at: session.created_at,
            expires_at: session.expires_at,
            ip: session.origin.ip,
            user_agent: session.origin.user_agent,
            current: session.is_current,
        }
    }
}

impl From<Account> for MyAccount {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            name: account.name,
            status: account.status.as_str(),
        }
    }
}

impl WhoAmI {
    fn of(user: SignedIn, account: Option<Account>, mine: Vec<Mine>) -> Self {
        let place = user.place;
        Self {
            user: Myself {
                id: user.user_id,
                email: user.email,
                name: user.name,
            },
            account: account.map(MyAccount::from),
            accounts: mine
                .into_iter()
                .map(|mine| MyAccount::from(mine.account))
                .collect(),
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
