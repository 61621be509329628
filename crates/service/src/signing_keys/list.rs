//! Listing keys, those of before too.

use claviger_model::UnixMillis;
use claviger_model::ids::SigningKeyId;
use claviger_model::signing_keys::{SigningKey, SigningKeyStatus};
use claviger_store::{Conn, signing_keys};

use crate::access::OperatorAccess;
use crate::app::App;
use crate::error::Error;

/// A key, and where it is in its life.
#[derive(Clone, Debug)]
pub struct ListedKey {
    /// The key.
    pub key: SigningKey,
    /// Where it is.
    pub status: SigningKeyStatus,
}

/// Every key, by algorithm, the oldest first. Rows that cannot be trusted are left out.
///
/// # Errors
/// The store's.
pub async fn list(app: &App, _access: &OperatorAccess) -> Result<Vec<ListedKey>, Error> {
    all(&mut *app.read().await?, app.sources().now()).await
}

/// One key.
pub(super) async fn listed(
    conn: &mut Conn,
    id: SigningKeyId,
    now: UnixMillis,
) -> Result<ListedKey, Error> {
    let mut all = all(conn, now).await?.into_iter();
    all.find(|listed| listed.key.id == id)
        .ok_or_else(|| Error::not_found("signing key"))
}

async fn all(conn: &mut Conn, now: UnixMillis) -> Result<Vec<ListedKey>, Error> {
    let (keys, _) = signing_keys::all(conn).await?;
    let statuses: Vec<SigningKeyStatus> = keys
        .iter()
        .map(|key| SigningKeyStatus::of(key, &keys, now))
        .collect();
    let listed = keys.into_iter().zip(statuses);
    Ok(listed
        .map(|(key, status)| ListedKey { key, status })
        .collect())
}
