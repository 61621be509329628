//! The last allowed request of each credential.

use std::collections::HashMap;

use claviger_model::UnixMillis;
use claviger_store::decisions::allowed;

use super::find::flush;
use crate::access::KeyAccess;
use crate::app::App;
use crate::error::Error;

/// The last allowed request of a credential.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Allowed {
    /// When.
    pub at: UnixMillis,
    /// From which address.
    pub ip: Option<String>,
}

/// The last allowed request of those of the account's credentials (keys, legacy keys and clients,
/// by their ids) that had one lately: for as long as decisions are kept. Under load a sample is
/// kept, so that it can be a moment older than the very last one.
///
/// # Errors
/// The store's.
pub async fn last_allowed(
    app: &App,
    access: &KeyAccess,
    credential_ids: &[String],
) -> Result<HashMap<String, Allowed>, Error> {
    if credential_ids.is_empty() {
        return Ok(HashMap::new());
    }
    flush(app).await;
    let mut reader = app.usage_db().read().await?;
    let found = allowed::last(&mut reader, access.account_id(), credential_ids).await?;
    let allowed = found.into_iter().map(|last| {
        let allowed = Allowed {
            at: last.at,
            ip: last.ip,
        };
        (last.credential_id, allowed)
    });
    Ok(allowed.collect())
}
