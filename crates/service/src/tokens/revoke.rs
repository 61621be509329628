//! Revoking one token. When this returns, no node accepts it any more.

use claviger_model::UnixMillis;
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::{AccountId, ClientId, TokenId};
use claviger_store::{Tx, revoked_tokens};
use serde_json::json;

use crate::access::Signature;
use crate::app::{App, Effect};
use crate::error::Error;

/// The token that is revoked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RevokedToken {
    /// Its `jti`.
    pub id: TokenId,
    /// The client that it was issued to.
    pub client_id: ClientId,
    /// The client's account.
    pub account_id: AccountId,
    /// When it ends anyway: its `exp`.
    pub expires_at: UnixMillis,
}

/// Revokes a token; a second time changes nothing and succeeds too. Whoever calls this has checked
/// that the token is one of ours, and that the caller may revoke it.
///
/// # Errors
/// The store's.
pub async fn revoke(app: &App, token: RevokedToken, signature: &Signature) -> Result<(), Error> {
    let now = app.sources().now();
    if token.expires_at <= now {
        return Ok(());
    }
    let (app_inside, signature) = (app.clone(), signature.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, signature) = (app_inside.clone(), signature.clone());
        Box::pin(async move {
            let row = revoked_tokens::RevokedToken {
                id: token.id,
                client_id: token.client_id,
                expires_at: token.expires_at,
                revoked_at: now,
            };
            let is_new = revoked_tokens::insert(tx, &row).await?;
            // A repeated call waits for the change too: the first caller may have gone away.
            tx.change(Change::new(ChangeKind::RevokedToken, token.id));
            if is_new {
                let told = json!({"client_id": token.client_id, "expires_at": token.expires_at});
                tx.audit(signature.event(
                    app.sources(),
                    Some(token.account_id),
                    Action::TokenRevoked,
                    token.id,
                    (None, Some(told)),
                )?);
            }
            Ok::<_, Error>(())
        })
    })
    .await
}
