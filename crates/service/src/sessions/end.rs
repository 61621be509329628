//! Signing out, here or elsewhere. When this returns, no node accepts the session any more.

use claviger_model::audit::{Action, Event};
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::SessionId;
use claviger_model::sessions::Session;
use claviger_store::{Tx, sessions};

use super::end_one;
use crate::access::Signature;
use crate::actor::Caller;
use crate::app::{App, Effect};
use crate::error::Error;

/// Ends the caller's own session; a second time changes nothing and succeeds too.
///
/// # Errors
/// `session_required` for somebody who is no user.
pub async fn end(app: &App, caller: &Caller) -> Result<(), Error> {
    end_own(app, caller, caller.signed_in()?.session_id).await
}

/// Ends any session of the caller; a second time changes nothing and succeeds too.
///
/// # Errors
/// `not_found` for a session that is not the caller's; `session_required` for somebody who is no
/// user.
pub async fn end_own(app: &App, caller: &Caller, id: SessionId) -> Result<(), Error> {
    let (user_id, now) = (caller.signed_in()?.user_id, app.sources().now());
    let (app_inside, signature) = (app.clone(), caller.signature());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, signature) = (app_inside.clone(), signature.clone());
        Box::pin(async move {
            let session = sessions::get(tx, id).await?;
            let session = session.filter(|session| session.user_id == user_id);
            let session = session.ok_or_else(|| Error::not_found("session"))?;
            // A repeated call waits for the change too: the first caller may have gone away.
            tx.change(Change::new(ChangeKind::Session, id));
            if session.ended_at.is_none() {
                tx.audit(told(&app, &signature, &session)?);
                end_one(tx, session, now).await?;
            }
            Ok(())
        })
    })
    .await
}

/// Ends every session of the caller but the one that asks; how many.
///
/// # Errors
/// `session_required` for somebody who is no user.
pub async fn end_others(app: &App, caller: &Caller) -> Result<usize, Error> {
    let signed_in = caller.signed_in()?;
    let (user_id, kept, now) = (signed_in.user_id, signed_in.session_id, app.sources().now());
    let (app_inside, signature) = (app.clone(), caller.signature());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, signature) = (app_inside.clone(), signature.clone());
        Box::pin(async move {
            let mut ended = 0;
            for session in sessions::live_of_users(tx, now, &[user_id]).await? {
                if session.id != kept {
                    tx.audit(told(&app, &signature, &session)?);
                    end_one(tx, session, now).await?;
                    ended += 1;
                }
            }
            Ok(ended)
        })
    })
    .await
}

/// Ends a session whose token somebody holds; a second time changes nothing and succeeds too.
pub(crate) async fn end_by_possession(
    app: &App,
    id: SessionId,
    signature: &Signature,
) -> Result<(), Error> {
    let now = app.sources().now();
    let (app_inside, signature) = (app.clone(), signature.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, signature) = (app_inside.clone(), signature.clone());
        Box::pin(async move {
            tx.change(Change::new(ChangeKind::Session, id));
            let session = sessions::get(tx, id).await?;
            if let Some(session) = session.filter(|session| session.ended_at.is_none()) {
                tx.audit(told(&app, &signature, &session)?);
                end_one(tx, session, now).await?;
            }
            Ok::<_, Error>(())
        })
    })
    .await
}

fn told(app: &App, signature: &Signature, session: &Session) -> Result<Event, Error> {
    signature.event(
        app.sources(),
        session.account_id,
        Action::SessionEnded,
        session.id,
        (None, None),
    )
}
