//! Keys that nobody uses. Keys and their uses are in two databases.

use claviger_model::ids::AccountId;
use claviger_model::keys::ApiKey;
use claviger_model::time::DAY_MILLIS;
use claviger_model::{Environment, UnixMillis};
use claviger_store::keys;
use quick_cache::sync::Cache;

use crate::access::KeyAccess;
use crate::app::App;
use crate::error::Error;
use crate::uses;

/// After how long without a use a key counts as unused, in milliseconds: 90 days.
pub const UNUSED_MILLIS: i64 = 90 * DAY_MILLIS;
/// The most keys of which it is counted how many are unused.
const COUNTED_MAX: u32 = 10_000;
/// The most keys of which it is counted for every page that tells it.
const COUNTED_EACH_TIME_MAX: i64 = 1_000;
/// How old the count of more keys than those may be, in milliseconds.
const COUNT_AGE_MAX_MILLIS: i64 = 60_000;
/// Accounts whose counts are remembered.
const ACCOUNTS_MAX: usize = 1_000;
/// Keys whose uses are looked at together.
const AT_ONCE: u32 = 200;

/// Of large accounts, how many keys nobody used when that was last counted.
pub(crate) struct UnusedCounts(Cache<(AccountId, Environment), Count>);

#[derive(Clone, Copy)]
struct Count {
    unused: i64,
    at: UnixMillis,
}

impl UnusedCounts {
    pub(crate) fn new() -> Self {
        Self(Cache::new(ACCOUNTS_MAX))
    }
}

/// Of keys, and of those that come after them, the first ones that were not used of late, at most
/// `limit`. Uses are in another database.
pub(super) async fn unused(
    app: &App,
    mut rows: Vec<ApiKey>,
    account_id: AccountId,
    wanted: &keys::KeyFilter,
    limit: u32,
) -> Result<Vec<ApiKey>, Error> {
    let since = app.sources().now().plus_millis(-UNUSED_MILLIS);
    let (mut found, mut asked) = (Vec::new(), limit);
    loop {
        let ids: Vec<String> = rows.iter().map(|key| key.id.to_string()).collect();
        let uses = uses::of_credentials(app, &ids).await?;
        let is_unused = |key: &ApiKey| {
            let last = uses
                .get(&key.id.to_string())
                .and_then(|uses| uses.last_used_at);
            last.is_none_or(|last| last <= since)
        };
        let last = rows.last().map(|key| (key.created_at, key.id));
        let is_last = rows.len() < asked as usize;
        found.extend(rows.into_iter().filter(is_unused));
        if is_last || found.len() >= limit as usize {
            found.truncate(limit as usize);
            return Ok(found);
        }
        asked = AT_ONCE;
        let mut reader = app.read().await?;
        rows = keys::page(&mut reader, account_id, wanted, last, asked).await?;
    }
}

/// How many keys of the caller's account work and were not used of late; none where there are too
/// many to count them for a page. Of more than a thousand keys it is what it was within the last
/// minute.
pub async fn count_unused(
    app: &App,
    access: &KeyAccess,
    environment: Environment,
) -> Result<Option<i64>, Error> {
    let now = app.sources().now();
    let known = (access.account_id(), environment);
    let counts = &app.unused_keys().0;
    let young = now.plus_millis(-COUNT_AGE_MAX_MILLIS);
    if let Some(count) = counts.get(&known).filter(|count| count.at > young) {
        return Ok(Some(count.unused));
    }
    let limit = COUNTED_MAX + 1;
    let mut reader = app.read().await?;
    let (account_id, environment) = known;
    let (ids, all) = keys::active_ids(&mut reader, account_id, environment, now, limit).await?;
    drop(reader);
    if all > i64::from(COUNTED_MAX) {
        return Ok(None);
    }
    let used = uses::count_used_after(app, ids, now.plus_millis(-UNUSED_MILLIS)).await?;
    let unused = all - used;
    if all > COUNTED_EACH_TIME_MAX {
        counts.insert(known, Count { unused, at: now });
    }
    Ok(Some(unused))
}
