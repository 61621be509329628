//! Looking at keys. A secret is never among what is shown.

use claviger_model::ids::KeyId;
use claviger_model::keys::ApiKey;
use claviger_model::{Environment, UnixMillis};
use claviger_store::keys;

use super::{KeyWithSecrets, find};
use crate::access::KeyAccess;
use crate::app::App;
use crate::error::Error;

/// Which keys to list.
#[derive(Clone, Copy, Debug)]
pub struct ListFilter {
    /// Only those of one environment.
    pub environment: Option<Environment>,
    /// Only those that work now; else also inactive, expired and revoked ones.
    pub active_only: bool,
    /// After this one of the page before.
    pub after: Option<(UnixMillis, KeyId)>,
    /// At most so many.
    pub limit: u32,
}

/// A page of keys, the newest first.
#[derive(Clone, Debug)]
pub struct KeyPage {
    /// The keys.
    pub keys: Vec<KeyWithSecrets>,
    /// Where the next page starts; none on the last one.
    pub next: Option<(UnixMillis, KeyId)>,
}

/// Lists keys of the caller's account.
pub async fn list(app: &App, access: &KeyAccess, filter: ListFilter) -> Result<KeyPage, Error> {
    let wanted = keys::KeyFilter {
        environment: filter.environment,
        statuses: if filter.active_only {
            keys::KeyStatuses::ActiveAt(app.sources().now())
        } else {
            keys::KeyStatuses::All
        },
    };
    let mut reader = app.read().await?;
    // One more than asked for tells whether there is a next page.
    let limit = filter.limit.saturating_add(1);
    let rows = keys::page(
        &mut reader,
        access.account_id(),
        &wanted,
        filter.after,
        limit,
    )
    .await?;
    let ids: Vec<KeyId> = rows.iter().map(|key| key.id).collect();
    let mut secrets = keys::secrets_of(&mut reader, &ids).await?;
    let with_secrets = |key: ApiKey| {
        let secrets = secrets.remove(&key.id).unwrap_or_default();
        KeyWithSecrets { key, secrets }
    };
    let mut found: Vec<KeyWithSecrets> = rows.into_iter().map(with_secrets).collect();
    let more = found.len() > filter.limit as usize;
    found.truncate(filter.limit as usize);
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| (last.key.created_at, last.key.id));
    Ok(KeyPage { keys: found, next })
}

/// One key of the caller's account, in whatever state.
pub async fn show(app: &App, access: &KeyAccess, id: KeyId) -> Result<KeyWithSecrets, Error> {
    find(&mut *app.read().await?, access.account_id(), id).await
}
