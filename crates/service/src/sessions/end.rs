//! Signing out. When this returns, no node accepts the session any more.

use claviger_model::Reason;
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_store::{Tx, sessions};

use super::end_one;
use crate::actor::{Actor, Caller};
use crate::app::{App, Effect};
use crate::error::Error;

/// Ends the caller's own session; a second time changes nothing and succeeds too.
pub async fn end(app: &App, caller: &Caller) -> Result<(), Error> {
    let Actor::User(signed_in) = &caller.actor else {
        return Err(Error::refused(Reason::SessionRequired));
    };
    let (id, now) = (signed_in.session_id, app.sources().now());
    let account_id = caller.actor.account_id();
    let signature = caller.signature();
    let event = signature.event(
        app.sources(),
        account_id,
        Action::SessionEnded,
        id,
        (None, None),
    )?;
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let event = event.clone();
        Box::pin(async move {
            // A repeated call waits for the change too: the first caller may have gone away.
            tx.change(Change::new(ChangeKind::Session, id));
            let session = sessions::get(tx, id).await?;
            if let Some(session) = session.filter(|session| session.ended_at.is_none()) {
                end_one(tx, session, now).await?;
                tx.audit(event);
            }
            Ok(())
        })
    })
    .await
}
