//! Withdrawing an invitation.

use claviger_model::audit::Action;
use claviger_model::ids::InvitationId;
use claviger_store::{Tx, invitations};

use super::audited;
use crate::access::TeamAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::roles::named;

/// Withdraws an open invitation.
///
/// # Errors
/// One that is unknown, accepted or withdrawn before; one whose role holds more than the caller.
pub async fn withdraw(app: &App, access: &TeamAccess, id: InvitationId) -> Result<(), Error> {
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access) = (app_inside.clone(), access.clone());
        Box::pin(async move {
            let account_id = access.account_id();
            let found = invitations::get(tx, account_id, id).await?;
            let found = found.ok_or_else(|| Error::not_found("invitation"))?;
            if let Some(role) = named(tx, account_id, found.role).await? {
                access.covers(&role.powers)?;
            }
            if !invitations::take(tx, id).await? {
                return Err(Error::not_found("invitation"));
            }
            let event = access.signature().event(
                app.sources(),
                Some(account_id),
                Action::InvitationWithdrawn,
                id,
                (Some(audited(&found)), None),
            )?;
            tx.outbox(&event.action, Some(account_id), audited(&found));
            tx.audit(event);
            Ok(())
        })
    })
    .await
}
