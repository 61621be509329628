//! The daily quota of tokens: exact, whatever happens, because the database counts.

use claviger_model::UnixMillis;
use claviger_model::clients::{Client, QuotaMode};
use claviger_model::ids::ClientId;
use claviger_model::time::DAY_MILLIS;
use claviger_store::{Tx, token_counts};
use quick_cache::sync::Cache;

use crate::app::{App, Effect};
use crate::error::Error;
use crate::oauth::QuotaState;

/// What a client that asks for a token gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quota {
    /// A token; this is left.
    Given(QuotaState),
    /// None before the next day.
    Exhausted(QuotaState),
}

/// Used-up quotas that are remembered.
const REMEMBERED: usize = 20_000;

/// Quotas that are used up, by client: the day, and the limit that was reached. A count never goes
/// down, so a program that asks again and again is refused without asking the database.
pub(crate) struct UsedUp(Cache<ClientId, (i64, u32)>);

impl UsedUp {
    pub(crate) fn new() -> Self {
        Self(Cache::new(REMEMBERED))
    }

    fn contains(&self, client: ClientId, day: i64, limit: u32) -> bool {
        let reached = self.0.get(&client);
        reached.is_some_and(|(on, reached)| on == day && limit <= reached)
    }
}

/// Takes one token of the client's day, durably. With [`QuotaMode::Observe`] it is given whatever
/// the count.
///
/// # Errors
/// The store's; then nothing was counted, or a commit was lost of which nobody knows.
pub async fn take_quota(
    app: &App,
    client: ClientId,
    limit: u32,
    mode: QuotaMode,
    now: UnixMillis,
) -> Result<Quota, Error> {
    let day = day(now);
    let enforced = match mode {
        QuotaMode::Enforce => Some(limit),
        QuotaMode::Observe => None,
    };
    let is_used_up = enforced.is_some() && app.used_up_quotas().contains(client, day, limit);
    if is_used_up {
        return Ok(Quota::Exhausted(state(limit, day, now, None)));
    }
    let used = app
        .change(Effect::Grants, move |tx: &mut Tx| {
            Box::pin(async move { Ok(token_counts::take(tx, client, day, enforced).await?) })
        })
        .await?;
    let state = state(limit, day, now, used);
    if used.is_none() {
        app.used_up_quotas().0.insert(client, (day, limit));
        return Ok(Quota::Exhausted(state));
    }
    Ok(Quota::Given(state))
}

/// Where the quota of a client stands today.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuotaFacts {
    /// How many tokens the client gets in a day.
    pub limit: u32,
    /// How many it got today. Where more are only counted it may be more than the limit.
    pub used: i64,
    /// What happens beyond the limit.
    pub mode: QuotaMode,
    /// When the day ends: at midnight in UTC.
    pub resets_at: UnixMillis,
}

impl QuotaFacts {
    /// How many are left.
    pub fn remaining(&self) -> u32 {
        let left = i64::from(self.limit).saturating_sub(self.used).max(0);
        u32::try_from(left).unwrap_or(u32::MAX)
    }
}

/// Where the quota of a client stands that got `used` tokens today; none without a quota.
pub fn quota_facts(app: &App, client: &Client, used: i64, now: UnixMillis) -> Option<QuotaFacts> {
    let (tokens, settings) = (&app.settings().tokens, &client.settings);
    Some(QuotaFacts {
        limit: settings.tokens_per_day.or(tokens.per_day)?,
        used,
        mode: settings.quota_mode.unwrap_or(tokens.quota_mode),
        resets_at: UnixMillis((day(now) + 1) * DAY_MILLIS),
    })
}

/// Where a quota stands with `used` tokens of `day`; used up without.
fn state(limit: u32, day: i64, now: UnixMillis, used: Option<i64>) -> QuotaState {
    let left = used.map_or(0, |used| i64::from(limit).saturating_sub(used).max(0));
    let resets_at = UnixMillis((day + 1) * DAY_MILLIS);
    // The day is over when its last millisecond is.
    let reset_millis = u64::try_from(resets_at.since(now)).unwrap_or_default();
    QuotaState {
        limit,
        remaining: u32::try_from(left).unwrap_or(u32::MAX),
        reset_seconds: u32::try_from(reset_millis.div_ceil(1_000)).unwrap_or(u32::MAX),
    }
}

/// The UTC day of a moment, counted from 1970.
pub(crate) fn day(now: UnixMillis) -> i64 {
    now.0.div_euclid(DAY_MILLIS)
}
