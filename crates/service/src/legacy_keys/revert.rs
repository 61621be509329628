//! Reverting the legacy key. When this returns, no node accepts it any more.

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::LegacyKeyId;
use claviger_store::{Tx, legacy_keys};

use super::audited;
use crate::access::KeyAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::keys::difference;

/// Revokes the legacy key with this id, if it is the live one of its account: the key that took the
/// place of a leaked one stays.
pub(crate) async fn revert_only(
    app: &App,
    access: &KeyAccess,
    id: LegacyKeyId,
) -> Result<(), Error> {
    revoke(app, access, Some(id)).await
}

/// Revokes the legacy key of the caller's account, so that another one can be generated. Without
/// one it changes nothing and succeeds too.
pub async fn revert(app: &App, access: &KeyAccess) -> Result<(), Error> {
    revoke(app, access, None).await
}

async fn revoke(app: &App, access: &KeyAccess, only: Option<LegacyKeyId>) -> Result<(), Error> {
    access.for_writing()?;
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access) = (app_inside.clone(), access.clone());
        Box::pin(async move {
            let account_id = access.account_id();
            legacy_keys::lock(tx, account_id).await?;
            let Some(key) = legacy_keys::latest(tx, account_id).await? else {
                return Ok(());
            };
            if only.is_some_and(|only| only != key.id) {
                return Ok(());
            }
            // A repeated call waits for the change too: the first caller may have gone away.
            tx.change(Change::new(ChangeKind::LegacyKey, key.id));
            if key.revoked_at.is_some() {
                return Ok(());
            }
            let before = audited(&key);
            let reverted = key.revoke(app.sources().now(), access.signature().actor());
            legacy_keys::update(tx, &reverted).await?;
            let after = audited(&reverted);
            let event = access.signature().event(
                app.sources(),
                Some(account_id),
                Action::LegacyKeyRevoked,
                reverted.id,
                difference(&before, &after),
            )?;
            tx.outbox(&event.action, Some(account_id), after);
            tx.audit(event);
            Ok::<_, Error>(())
        })
    })
    .await
}
