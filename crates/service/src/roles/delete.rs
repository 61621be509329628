//! Deleting a role that nobody has.

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::roles::RoleRef;
use claviger_store::{Tx, accounts, invitations, members, roles};

use super::{audited, find};
use crate::access::TeamAccess;
use crate::app::{App, Effect};
use crate::error::Error;

/// Deletes a role.
///
/// # Errors
/// A built-in or unknown role, one that holds more than the caller, one that members or open
/// invitations have.
pub async fn delete(app: &App, access: &TeamAccess, role: RoleRef) -> Result<(), Error> {
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access) = (app_inside.clone(), access.clone());
        Box::pin(async move {
            let account_id = access.account_id();
            // Nobody gets the role between the questions and the answer.
            accounts::lock(tx, account_id).await?;
            let found = find(tx, account_id, role).await?;
            access.covers(&found.powers)?;
            let now = app.sources().now();
            let invited = invitations::of_account(tx, account_id).await?;
            let is_open = invited
                .iter()
                .any(|one| one.role == role && one.expires_at > now);
            if is_open || members::count_role(tx, account_id, role).await? > 0 {
                let message = "Members or invitations have this role. Give them another one first.";
                return Err(Error::conflict(message));
            }
            roles::delete(tx, found.id).await?;
            tx.change(Change::new(ChangeKind::Role, found.id));
            let event = access.signature().event(
                app.sources(),
                Some(account_id),
                Action::RoleDeleted,
                found.id,
                (Some(audited(&found)), None),
            )?;
            tx.outbox(&event.action, Some(account_id), audited(&found));
            tx.audit(event);
            Ok(())
        })
    })
    .await
}
