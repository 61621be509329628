//! Who a bearer is.
//!
//! 1. The token is recognised in the resident index, which is as fresh as the node's lease; a
//!    flood of made-up ones touches no database.
//! 2. The user, the account, the membership and the role behind a session are read from the
//!    database, so that what was taken away is gone with the next request.

use claviger_model::accounts::AccountStatus;
use claviger_model::clients::ClientScopes;
use claviger_model::ids::{AccountId, ClientId, SessionId, UserId};
use claviger_model::{Environment, Reason, secret};
use claviger_store::principals;
use claviger_verify::entries::{Credential, Grant, Identity};
use claviger_verify::possession::{Sent, Unproven};

use super::{Origin, entered, member_place};
use crate::actor::{Actor, Caller, SignedIn};
use crate::app::App;
use crate::error::Error;

/// Whoever holds this session token, or access token for the issuer.
///
/// # Errors
/// The reason of the table for a bearer that does not hold; `session_required` for an API key, and
/// for an access token where the operator has not switched the management routes on; `stale` when
/// the node cannot know.
pub async fn authenticate(app: &App, bearer: &str, origin: Origin) -> Result<Caller, Error> {
    authenticate_sent(app, bearer, (&Sent::BEARER, None), origin).await
}

/// The same for a credential that was sent in this way, in a request of this method: it may be
/// bound to a key.
///
/// # Errors
/// Those of [`authenticate`], and what is against the proof that the key is held.
pub async fn authenticate_sent(
    app: &App,
    bearer: &str,
    sent: (&Sent<'_>, Option<&str>),
    origin: Origin,
) -> Result<Caller, Error> {
    let entry = identify(app, bearer, sent)?;
    let actor = match &entry.identity() {
        Identity::Session(session_id, user_id) => {
            let account_id = entry.account_id();
            Actor::User(signed_in(app, *session_id, *user_id, account_id).await?)
        }
        Identity::Token(token) => client(app, token.client_id, &entry)?,
        Identity::Key(..) | Identity::Client(..) | Identity::LegacyKey(_) => {
            return Err(Error::refused(Reason::SessionRequired));
        }
    };
    Ok(Caller {
        actor,
        ip: origin.ip,
        request_id: origin.request_id,
    })
}

/// The same where nothing but a session will do.
pub async fn authenticate_session(
    app: &App,
    bearer: &str,
    origin: Origin,
) -> Result<Caller, Error> {
    let caller = authenticate(app, bearer, origin).await?;
    match caller.actor {
        Actor::User(_) => Ok(caller),
        _ => Err(Error::refused(Reason::SessionRequired)),
    }
}

fn identify(app: &App, bearer: &str, sent: (&Sent<'_>, Option<&str>)) -> Result<Credential, Error> {
    let (verifier, now) = (app.verifier(), app.sources().both());
    let refused = match verifier.identify_sent(bearer, sent, now) {
        Ok(entry) => return Ok(entry),
        Err(refused) => refused,
    };
    if let Some(unproven) = refused.unproven {
        let is_nonce = unproven == Unproven::Nonce;
        let nonce = is_nonce.then(|| verifier.proof_nonce(now)).flatten();
        return Err(Error::Unproven { unproven, nonce });
    }
    let reason = refused.reason;
    if reason == Reason::Stale {
        return Err(Error::stale());
    }
    if reason == Reason::AccountInactive {
        // Said of nobody whose secret, state or expiry is wrong. Operators act in suspended
        // accounts too: how else would one become active again? `signed_in` tells them apart.
        let lookup = secret::parse(bearer).ok();
        let entry = lookup.and_then(|lookup| app.verifier().index().find(lookup));
        let session = entry.filter(|entry| matches!(entry.identity(), Identity::Session(..)));
        return session.ok_or_else(|| Error::refused(reason));
    }
    Err(Error::refused(reason))
}

async fn signed_in(
    app: &App,
    session_id: SessionId,
    user_id: UserId,
    account_id: Option<AccountId>,
) -> Result<SignedIn, Error> {
    let mut reader = app.read().await?;
    let found = principals::get(&mut reader, user_id, account_id).await?;
    let found = found.ok_or_else(|| Error::refused(Reason::InvalidCredential))?;
    if found.user.suspended_at.is_some() {
        return Err(Error::refused(Reason::Inactive));
    }
    let is_operator = found.operator.is_some();
    let place = match account_id {
        None => None,
        Some(account_id) => {
            let account = found.account.as_ref();
            let is_active = account.is_some_and(|found| found.status == AccountStatus::Active);
            if !is_active && !is_operator {
                return Err(Error::refused(Reason::AccountInactive));
            }
            let place = match &found.member {
                Some(member) => member_place(member, found.role),
                None => is_operator.then(|| entered(account_id)),
            };
            Some(place.ok_or_else(|| Error::refused(Reason::UserLacksAccess))?)
        }
    };
    Ok(SignedIn {
        session_id,
        user_id,
        email: found.user.email,
        name: found.name,
        is_operator,
        place,
    })
}

fn client(app: &App, client_id: ClientId, entry: &Credential) -> Result<Actor, Error> {
    let (Grant::Named(scopes), Some(holds), Some(account_id)) =
        (&entry.grant(), entry.ceiling(), entry.account_id())
    else {
        return Err(Error::refused(Reason::InvalidCredential));
    };
    if !app.settings().management_enabled {
        return Err(Error::refused(Reason::SessionRequired));
    }
    if entry.environment() != Some(Environment::Live) {
        // It could make credentials for live data.
        return Err(Error::refused(Reason::EnvironmentMismatch));
    }
    Ok(Actor::Client {
        client_id,
        account_id,
        scopes: scopes.names.to_vec(),
        holds: match holds {
            Grant::Named(held) => ClientScopes::Named(held.names.to_vec()),
            Grant::All => ClientScopes::All,
            Grant::Patterns(_) => return Err(Error::refused(Reason::InvalidCredential)),
        },
    })
}
