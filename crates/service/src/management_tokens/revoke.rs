//! Revoking a management token. When this returns, no node accepts it any more.

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::ManagementTokenId;
use claviger_model::tokens::ManagementToken;
use claviger_store::{Tx, management_tokens};

use super::audited;
use crate::access::OperatorAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::keys::difference;

/// Revokes a management token; a second time changes nothing and succeeds too. It works also
/// while management is switched off.
pub async fn revoke(
    app: &App,
    access: &OperatorAccess,
    id: ManagementTokenId,
) -> Result<ManagementToken, Error> {
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access) = (app_inside.clone(), access.clone());
        Box::pin(async move {
            let found = management_tokens::get(tx, None, id).await?;
            let token = found.ok_or_else(|| Error::not_found("management token"))?;
            let revoked = token.clone().revoke(app.sources().now());
            // A repeated call waits for the change too: the first caller may have gone away.
            tx.change(Change::new(ChangeKind::ManagementToken, id));
            if revoked.version != token.version {
                management_tokens::update(tx, &revoked).await?;
                let account_id = Some(revoked.account_id);
                let event = access.signature().event(
                    app.sources(),
                    account_id,
                    Action::ManagementTokenRevoked,
                    id,
                    difference(&audited(&token), &audited(&revoked)),
                )?;
                tx.outbox(&event.action, account_id, audited(&revoked));
                tx.audit(event);
            }
            Ok(revoked)
        })
    })
    .await
}
