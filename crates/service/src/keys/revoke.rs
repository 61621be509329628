//! Revoking a key. When this returns, no node accepts it any more.

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::KeyId;
use claviger_store::{Tx, keys};
use serde_json::json;

use super::{KeyWithSecrets, audited, difference, find};
use crate::access::KeyAccess;
use crate::app::{App, Effect};
use crate::error::Error;

/// Revokes a key of the caller's account; a second time changes nothing and succeeds too.
///
/// `reason` is what the caller says why, for the audit log.
pub async fn revoke(
    app: &App,
    access: &KeyAccess,
    id: KeyId,
    reason: Option<String>,
) -> Result<KeyWithSecrets, Error> {
    access.for_writing()?;
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access, reason) = (app_inside.clone(), access.clone(), reason.clone());
        Box::pin(async move {
            keys::lock(tx, id).await?;
            let KeyWithSecrets { key, secrets } = find(tx, access.account_id(), id).await?;
            let before = (key.version, audited(&key));
            let revoked = key.revoke(app.sources().now(), access.signature().actor());
            // A repeated call waits for the change too: the first caller may have gone away.
            tx.change(Change::new(ChangeKind::Key, id));
            if revoked.version != before.0 {
                keys::update(tx, &revoked).await?;
                let (old, mut new) = difference(&before.1, &audited(&revoked));
                if let (Some(reason), Some(new)) = (&reason, &mut new) {
                    new["revocation_reason"] = json!(reason);
                }
                let account_id = Some(revoked.account_id);
                let event = access.signature().event(
                    app.sources(),
                    account_id,
                    Action::KeyRevoked,
                    id,
                    (old, new),
                )?;
                tx.outbox(&event.action, account_id, audited(&revoked));
                tx.audit(event);
            }
            Ok::<_, Error>(KeyWithSecrets {
                key: revoked,
                secrets,
            })
        })
    })
    .await
}
