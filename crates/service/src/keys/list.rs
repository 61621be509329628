//! Looking at keys. A secret is never among what is shown.

use claviger_model::ids::KeyId;
use claviger_model::keys::{ApiKey, EXPIRING_MILLIS};
use claviger_model::{Environment, UnixMillis};
use claviger_store::keys::KeyStatuses;
use claviger_store::{Conn, keys};

pub use claviger_store::keys::KeyCounts;

use super::unused::unused;
use super::{KeyWithSecrets, find as find_one};
use crate::access::KeyAccess;
use crate::app::App;
use crate::error::Error;

/// Which keys to list.
#[derive(Clone, Copy, Debug)]
pub struct ListFilter {
    /// Only those of one environment.
    pub environment: Option<Environment>,
    /// Of which status.
    pub listed: Listed,
    /// After this one of the page before.
    pub after: Option<(UnixMillis, KeyId)>,
    /// At most so many.
    pub limit: u32,
}

/// Of which status the keys of a list are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listed {
    /// Of any.
    All,
    /// They work now.
    Active,
    /// They work now, and end within [`EXPIRING_MILLIS`].
    Expiring,
    /// They work now, and were not used for [`super::UNUSED_MILLIS`], or never.
    Unused,
    /// They are past their expiry.
    Expired,
    /// They are switched off.
    Inactive,
    /// They were revoked.
    Revoked,
}

/// A page of keys, the newest first.
#[derive(Clone, Debug)]
pub struct KeyPage {
    /// The keys.
    pub keys: Vec<KeyWithSecrets>,
    /// Where the next page starts; none on the last one.
    pub next: Option<(UnixMillis, KeyId)>,
}

impl Listed {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 7] = [
        Self::All,
        Self::Active,
        Self::Expiring,
        Self::Unused,
        Self::Expired,
        Self::Inactive,
        Self::Revoked,
    ];

    /// The word in queries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Active => "active",
            Self::Expiring => "expiring",
            Self::Unused => "unused",
            Self::Expired => "expired",
            Self::Inactive => "inactive",
            Self::Revoked => "revoked",
        }
    }

    /// What `word` stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|listed| listed.as_str() == word)
    }

    fn at(self, now: UnixMillis) -> KeyStatuses {
        match self {
            Self::All => KeyStatuses::All,
            Self::Active | Self::Unused => KeyStatuses::ActiveAt(now),
            Self::Expiring => KeyStatuses::ActiveBetween(now, now.plus_millis(EXPIRING_MILLIS)),
            Self::Expired => KeyStatuses::ExpiredAt(now),
            Self::Inactive => KeyStatuses::Inactive,
            Self::Revoked => KeyStatuses::Revoked,
        }
    }
}

/// Lists keys of the caller's account.
pub async fn list(app: &App, access: &KeyAccess, filter: ListFilter) -> Result<KeyPage, Error> {
    let wanted = keys::KeyFilter {
        environment: filter.environment,
        statuses: filter.listed.at(app.sources().now()),
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
    drop(reader);
    let rows = match filter.listed {
        Listed::Unused => unused(app, rows, access.account_id(), &wanted, limit).await?,
        _ => rows,
    };
    let mut reader = app.read().await?;
    let mut found = with_secrets(&mut reader, rows).await?;
    let more = found.len() > filter.limit as usize;
    found.truncate(filter.limit as usize);
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| (last.key.created_at, last.key.id));
    Ok(KeyPage { keys: found, next })
}

/// How many keys of each status the caller's account has in an environment.
pub async fn counts(
    app: &App,
    access: &KeyAccess,
    environment: Environment,
) -> Result<KeyCounts, Error> {
    let now = app.sources().now();
    let moments = (now, now.plus_millis(EXPIRING_MILLIS));
    let mut reader = app.read().await?;
    Ok(keys::counts(&mut reader, access.account_id(), environment, moments).await?)
}

/// The newest keys of the caller's account with `text` in their name or as their hint, at most
/// `limit`.
pub async fn find(
    app: &App,
    access: &KeyAccess,
    text: &str,
    limit: u32,
) -> Result<Vec<KeyWithSecrets>, Error> {
    let mut reader = app.read().await?;
    let found = keys::find(&mut reader, access.account_id(), text, limit).await?;
    with_secrets(&mut reader, found).await
}

async fn with_secrets(conn: &mut Conn, found: Vec<ApiKey>) -> Result<Vec<KeyWithSecrets>, Error> {
    let ids: Vec<KeyId> = found.iter().map(|key| key.id).collect();
    let mut secrets = keys::secrets_of(conn, &ids).await?;
    let with_secrets = |key: ApiKey| {
        let secrets = secrets.remove(&key.id).unwrap_or_default();
        KeyWithSecrets { key, secrets }
    };
    Ok(found.into_iter().map(with_secrets).collect())
}

/// One key of the caller's account, in whatever state.
pub async fn show(app: &App, access: &KeyAccess, id: KeyId) -> Result<KeyWithSecrets, Error> {
    find_one(&mut *app.read().await?, access.account_id(), id).await
}
