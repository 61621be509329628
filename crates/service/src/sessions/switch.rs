//! Going on in another account without signing in again: a new session with a new token takes the
//! place of the present one, and ends when that would have ended.

use claviger_model::Reason;
use claviger_model::audit::{Action, Event};
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::{AccountId, SessionId};
use claviger_model::sessions::{Session, SessionOrigin};
use claviger_store::{Conn, Tx, session_origins, sessions, users};

use super::start::{Started, choose_place, events, fresh};
use super::{Origin, end_one};
use crate::access::Signature;
use crate::actor::{Caller, Place, SignedIn};
use crate::app::{App, Effect};
use crate::error::Error;

/// Goes on in `account_id`, or in none, which is for operators.
///
/// # Errors
/// `permission_required` for an account that the user has no part in, and for none by somebody who
/// does not run the instance; `account_inactive` for a suspended account, unless the user is an
/// operator; `session_required` for somebody who is no user.
pub async fn switch(
    app: &App,
    caller: &Caller,
    account_id: Option<AccountId>,
) -> Result<Started, Error> {
    let signed_in = caller.signed_in()?;
    let place = if account_id.is_some() {
        chosen(&mut *app.read().await?, signed_in, account_id).await?
    } else {
        caller.operator()?;
        None
    };
    replace(app, caller, signed_in, place).await
}

/// Goes on where one is, with another token: whoever held the present one is out.
///
/// # Errors
/// Those of [`switch`].
pub async fn renew(app: &App, caller: &Caller) -> Result<Started, Error> {
    let signed_in = caller.signed_in()?;
    replace(app, caller, signed_in, signed_in.place.clone()).await
}

async fn chosen(
    conn: &mut Conn,
    signed_in: &SignedIn,
    account_id: Option<AccountId>,
) -> Result<Option<Place>, Error> {
    let user = users::get(conn, signed_in.user_id).await?;
    let user = user.ok_or_else(over)?;
    Ok(choose_place(conn, &user, account_id).await?.0)
}

async fn replace(
    app: &App,
    caller: &Caller,
    signed_in: &SignedIn,
    place: Option<Place>,
) -> Result<Started, Error> {
    let before = sessions::get(&mut *app.read().await?, signed_in.session_id).await?;
    let end = before.ok_or_else(over)?.expires_at;
    let (token, session) = fresh(app, signed_in.user_id, place.as_ref(), |_| end)?;

    let origin = Origin {
        ip: caller.ip,
        request_id: caller.request_id,
    };
    let signature = Signature::of(caller.actor.label(), origin.ip, origin.request_id);
    let ended = signature.event(
        app.sources(),
        caller.actor.account_id(),
        Action::SessionEnded,
        signed_in.session_id,
        (None, None),
    )?;
    let stays = signed_in.place.as_ref().map(|place| place.account_id) == session.account_id;
    // Somebody who stays where they are does not enter.
    let entered = place.as_ref().filter(|_| !stays);
    let mut told = vec![ended];
    told.extend(events(app, &session, entered, origin)?);
    write(app, signed_in.session_id, session.clone(), caller, told).await?;
    Ok(Started {
        token,
        signed_in: SignedIn {
            session_id: session.id,
            place,
            ..signed_in.clone()
        },
        session,
    })
}

async fn write(
    app: &App,
    before: SessionId,
    fresh: Session,
    caller: &Caller,
    events: Vec<Event>,
) -> Result<(), Error> {
    let (now, ip) = (app.sources().now(), caller.ip);
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (fresh, events) = (fresh.clone(), events.clone());
        Box::pin(async move {
            // Whatever ends all sessions of a user comes before or after this, not between.
            users::lock(tx, fresh.user_id).await?;
            let replaced = sessions::get(tx, before).await?;
            let replaced = replaced.filter(|one| one.ended_at.is_none() && one.expires_at > now);
            let replaced = replaced.ok_or_else(over)?;
            let known = session_origins::get(tx, before).await?.unwrap_or_default();
            end_one(tx, replaced, now).await?;
            sessions::insert(tx, &fresh).await?;
            let started_from = SessionOrigin::new(ip, known.user_agent.as_deref());
            session_origins::insert(tx, fresh.id, &started_from).await?;
            tx.change(Change::new(ChangeKind::Session, fresh.id));
            events.into_iter().for_each(|event| tx.audit(event));
            Ok(())
        })
    })
    .await
}

fn over() -> Error {
    Error::refused(Reason::Revoked)
}
