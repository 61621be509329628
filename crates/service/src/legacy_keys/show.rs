//! Looking at the legacy key. The key itself is never shown again.

use claviger_model::Reason;
use claviger_model::legacy_keys::LegacyKey;
use claviger_store::legacy_keys;

use crate::access::KeyAccess;
use crate::app::App;
use crate::error::Error;

/// The live legacy key of the caller's account.
///
/// # Errors
/// It has none.
pub async fn show(app: &App, access: &KeyAccess) -> Result<LegacyKey, Error> {
    let found = legacy_keys::latest(&mut *app.read().await?, access.account_id()).await?;
    let live = found.filter(|key| key.revoked_at.is_none());
    live.ok_or_else(|| {
        let message = if app.settings().legacy_keys {
            "This account has no legacy key. One can be generated; an API key or a client is the \
             better choice."
        } else {
            "This account has no legacy key, and this instance makes none. Create an API key or a \
             client."
        };
        Error::because(Reason::NotFound, message)
    })
}
