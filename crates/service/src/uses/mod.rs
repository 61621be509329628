//! What became of each secret: how often it was used or refused, when last, from where. Noted in
//! memory beside the counts of requests, and kept in the usage database from the next second on.

pub(crate) mod family_uses;

use std::collections::HashMap;
use std::net::IpAddr;

use claviger_model::ids::{ClientId, SecretId};
pub use claviger_model::secret_uses::SecretUses;
use claviger_model::{Reason, UnixMillis};
use claviger_store::secret_uses;

use crate::app::App;
use crate::error::Error;
use crate::usage::flush;
pub use family_uses::FamilyUseRecorder;

/// One use of a secret that matched, whether it gave a token or not.
#[derive(Clone, Copy, Debug)]
pub struct SecretUse<'a> {
    /// Which secret.
    pub secret_id: SecretId,
    /// The client whose it is.
    pub owner_id: ClientId,
    /// When.
    pub at: UnixMillis,
    /// From which address.
    pub ip: Option<IpAddr>,
    /// The `User-Agent` header as it came; cut when it is kept.
    pub user_agent: Option<&'a str>,
    /// Why it gave no token; none when it did.
    pub refused: Option<Reason>,
}

/// The uses of those of the secrets that have any: what is kept, and what this node noted since.
/// What other nodes noted is at most a second late.
///
/// # Errors
/// The usage database does not answer.
pub async fn of(app: &App, ids: &[SecretId]) -> Result<HashMap<SecretId, SecretUses>, Error> {
    flush(app).await;
    Ok(secret_uses::by_secrets(&mut *app.usage_db().read().await?, ids).await?)
}

/// The same right after a change, which is done: uses that cannot be read are told as none, because
/// a secret that is not shown now is shown never.
pub async fn of_made(app: &App, ids: &[SecretId]) -> HashMap<SecretId, SecretUses> {
    of(app, ids).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "the uses of what was made cannot be told");
        HashMap::new()
    })
}

/// The uses of those of the credentials (keys, legacy keys and clients, by their ids) that have
/// any, of all their secrets together. The caller has been allowed to look at them.
///
/// # Errors
/// The usage database does not answer.
pub async fn of_credentials(
    app: &App,
    ids: &[String],
) -> Result<HashMap<String, SecretUses>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    flush(app).await;
    Ok(secret_uses::by_owners(&mut *app.usage_db().read().await?, ids).await?)
}

/// How many of the credentials of a JSON list of ids were used after a time.
///
/// # Errors
/// The usage database does not answer.
pub(crate) async fn count_used_after(
    app: &App,
    ids: String,
    after: UnixMillis,
) -> Result<i64, Error> {
    flush(app).await;
    let mut reader = app.usage_db().read().await?;
    Ok(secret_uses::count_used_after(&mut reader, ids, after).await?)
}
