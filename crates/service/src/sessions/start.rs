//! Signing in.
//!
//! 1. The password is checked, never its shape; without such a user, a dummy in its place.
//! 2. The account is found: the one asked for, else the oldest membership that works.
//! 3. The session is written, together with the audit event about it, and an operator's entering
//!    of somebody else's account with a second one.

use claviger_model::audit::{Action, Event};
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::credentials::StoredSecret;
use claviger_model::ids::{AccountId, SessionId, UserId};
use claviger_model::members::User;
use claviger_model::secret::Plaintext;
use claviger_model::sessions::{SESSION_LIFETIME_MILLIS, Session, SessionOrigin};
use claviger_model::{Reason, UnixMillis, accounts::AccountStatus, text};
use claviger_store::{Conn, Tx, accounts, members, operators};
use claviger_store::{session_origins, sessions, user_profiles, users};
use serde_json::json;
use zeroize::Zeroizing;

use super::{Origin, place};
use crate::access::Signature;
use crate::actor::{Place, SignedIn};
use crate::app::{App, Effect};
use crate::error::Error;
use crate::passwords::Guess;
use crate::settings::SESSION_PREFIX;

/// What somebody signs in with.
pub struct SignIn {
    /// The address, as typed.
    pub email: String,
    /// The password.
    pub password: Zeroizing<String>,
    /// Where; absent: the account of the oldest membership.
    pub account_id: Option<AccountId>,
    /// What the program calls itself with which somebody signs in.
    pub user_agent: Option<String>,
}

/// A session that was started.
pub struct Started {
    /// Its token; shown now and never again.
    pub token: Plaintext,
    /// The session.
    pub session: Session,
    /// Who signed in, and where.
    pub signed_in: SignedIn,
}

/// Signs in.
///
/// # Errors
/// `invalid_credential` for an unknown address, a wrong password and a suspended user alike;
/// `permission_required` for an account that the user has no part in; `account_inactive` for a
/// suspended account, unless the user is an operator.
pub async fn start(app: &App, input: SignIn, origin: Origin) -> Result<Started, Error> {
    let user = check_password(app, &input.email, input.password, origin).await?;
    let (place, is_operator) =
        choose_place(&mut *app.read().await?, &user, input.account_id).await?;

    let name = user_profiles::name(&mut *app.read().await?, user.id).await?;

    let lasting = SESSION_LIFETIME_MILLIS;
    let (token, session) = fresh(app, user.id, place.as_ref(), |now| now.plus_millis(lasting))?;
    let events = events(app, &session, place.as_ref(), origin)?;
    let signed_in = SignedIn {
        session_id: session.id,
        user_id: user.id,
        email: user.email.clone(),
        name,
        is_operator,
        place,
    };
    let started_from = SessionOrigin::new(origin.ip, input.user_agent.as_deref());
    write(app, (session.clone(), started_from), user, events).await?;
    Ok(Started {
        token,
        session,
        signed_in,
    })
}

/// A session that is not written yet, with its token.
pub(super) fn fresh(
    app: &App,
    user_id: UserId,
    place: Option<&Place>,
    end: impl FnOnce(UnixMillis) -> UnixMillis,
) -> Result<(Plaintext, Session), Error> {
    let now = app.sources().now();
    let token = app.sources().mint(SESSION_PREFIX)?;
    let session = Session {
        id: SessionId::new(now, &app.sources().id()?),
        user_id,
        account_id: place.map(|place| place.account_id),
        stored: StoredSecret::of(&token, app.keyring()),
        created_at: now,
        expires_at: end(now),
        ended_at: None,
        version: 1,
    };
    Ok((token, session))
}

/// The user whose password this is.
async fn check_password(
    app: &App,
    email: &str,
    password: Zeroizing<String>,
    origin: Origin,
) -> Result<User, Error> {
    let email = text::email(email).unwrap_or_default();
    let user = users::by_email(&mut *app.read().await?, &email).await?;
    let user = user.filter(|user| user.suspended_at.is_none());
    let stored = user.as_ref().map(|user| user.password_hash.clone());
    let guess = Guess {
        email: &email,
        ip: origin.ip,
        stored,
        password,
    };
    match (app.passwords().check(app.sources(), guess).await?, user) {
        (true, Some(user)) => Ok(user),
        _ => Err(wrong()),
    }
}

/// Where the user is to act, and whether the user runs the instance.
pub(super) async fn choose_place(
    conn: &mut Conn,
    user: &User,
    asked: Option<AccountId>,
) -> Result<(Option<Place>, bool), Error> {
    let is_operator = operators::get(conn, user.id).await?.is_some();
    let candidates = if let Some(account_id) = asked {
        vec![account_id]
    } else {
        let mut memberships = members::of_user(conn, user.id).await?;
        memberships.sort_by_key(|member| (member.created_at, member.account_id));
        memberships
            .into_iter()
            .map(|member| member.account_id)
            .collect()
    };
    let mut found_suspended = false;
    for account_id in candidates {
        let Some(account) = accounts::get(conn, account_id).await? else {
            continue;
        };
        let Some(place) = place(conn, account_id, user.id).await? else {
            continue;
        };
        if account.status == AccountStatus::Active || (is_operator && asked.is_some()) {
            return Ok((Some(place), is_operator));
        }
        found_suspended = true;
    }
    if is_operator && asked.is_none() {
        return Ok((None, true));
    }
    if found_suspended {
        return Err(Error::refused(Reason::AccountInactive));
    }
    let message = if asked.is_some() {
        "You are not a member of this account."
    } else {
        "You are not a member of any account. Ask somebody who is for an invitation."
    };
    Err(Error::because(Reason::PermissionRequired, message))
}

/// What there is to tell about a session that starts.
pub(super) fn events(
    app: &App,
    session: &Session,
    place: Option<&Place>,
    origin: Origin,
) -> Result<Vec<Event>, Error> {
    let signature = Signature::of(session.user_id.to_string(), origin.ip, origin.request_id);
    let account_id = session.account_id;
    let event = |action, target: &str| {
        let after = Some(json!({ "session_id": session.id, "expires_at": session.expires_at }));
        signature.event(app.sources(), account_id, action, target, (None, after))
    };
    let mut events = vec![event(Action::SessionStarted, &session.id.to_string())?];
    if let Some(entered) = place.filter(|place| place.role.is_none()) {
        events.push(event(
            Action::OperatorEntered,
            &entered.account_id.to_string(),
        )?);
    }
    Ok(events)
}

async fn write(
    app: &App,
    session: (Session, SessionOrigin),
    checked: User,
    events: Vec<Event>,
) -> Result<(), Error> {
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let (session, started_from) = session.clone();
        let (checked, events) = (checked.clone(), events.clone());
        Box::pin(async move {
            // The check took its time: what it was made against may be over.
            users::lock(tx, checked.id).await?;
            let user = users::get(tx, checked.id).await?;
            let holds = |user: &User| {
                user.suspended_at.is_none() && user.password_hash == checked.password_hash
            };
            if !user.as_ref().is_some_and(holds) {
                return Err(wrong());
            }
            sessions::insert(tx, &session).await?;
            session_origins::insert(tx, session.id, &started_from).await?;
            tx.change(Change::new(ChangeKind::Session, session.id));
            events.into_iter().for_each(|event| tx.audit(event));
            Ok(())
        })
    })
    .await
}

fn wrong() -> Error {
    Error::because(Reason::InvalidCredential, "Wrong email or password.")
}
