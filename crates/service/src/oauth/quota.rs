//! The quota of a client: how many tokens it gets in a UTC day.

use claviger_model::UnixMillis;
use claviger_verify::entries::ClientEntry;

use super::{ErrorCode, QuotaState, Refusal};
use crate::app::App;
use crate::tokens::{Quota, take_quota};

/// Takes one token of the day and says where the quota stands then; nothing, and no database,
/// where there is no quota.
pub(super) async fn take(
    app: &App,
    client: &ClientEntry,
    now: UnixMillis,
) -> Result<Option<QuotaState>, Refusal> {
    let limit = client.tokens_per_day.or(app.settings().tokens.per_day);
    take_of(app, client, limit, now).await
}

/// The same for a token that acts for a user: only a quota that is the client's own counts.
pub(super) async fn take_own(
    app: &App,
    client: &ClientEntry,
    now: UnixMillis,
) -> Result<Option<QuotaState>, Refusal> {
    take_of(app, client, client.tokens_per_day, now).await
}

async fn take_of(
    app: &App,
    client: &ClientEntry,
    limit: Option<u32>,
    now: UnixMillis,
) -> Result<Option<QuotaState>, Refusal> {
    let Some(limit) = limit else {
        return Ok(None);
    };
    let settings = &app.settings().tokens;
    let mode = client.quota_mode.unwrap_or(settings.quota_mode);
    match take_quota(app, client.id, limit, mode, now).await? {
        Quota::Given(state) => Ok(Some(state)),
        Quota::Exhausted(state) => Err(exhausted(state, now)),
    }
}

fn exhausted(state: QuotaState, now: UnixMillis) -> Refusal {
    let QuotaState {
        limit,
        reset_seconds,
        ..
    } = state;
    let resets_at = now.plus_seconds(reset_seconds.into()).0.div_euclid(1_000);
    let resets_at = jiff::Timestamp::from_second(resets_at).unwrap_or_default();
    let told = format!(
        "This client got its {limit} tokens of the day. Keep a token until it expires and use it \
         again, instead of asking for one before each request. The count starts anew at \
         {resets_at} (midnight in UTC)."
    );
    Refusal {
        retry_after_seconds: Some(reset_seconds),
        quota: Some(state),
        ..Refusal::because(ErrorCode::QuotaExhausted, told)
    }
}
