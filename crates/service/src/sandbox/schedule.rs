//! The weekly reset: which time is appointed, and doing once what is due.
//!
//! Every node does this, and each account is claimed in the transaction that resets it: so nothing
//! is done twice, and what a node leaves undone another one or the next start does.

use claviger_model::UnixMillis;
use claviger_model::time::DAY_MILLIS;
use claviger_store::{Tx, sandbox_resets};

use super::EVERYBODY;
use super::reset::{by_appointment, demo_by_appointment};
use crate::app::{App, Effect};
use crate::error::Error;
use crate::settings::SandboxSettings;
use crate::signature::Signature;

const HOUR_MILLIS: i64 = 3_600_000;
const WEEK_MILLIS: i64 = 7 * DAY_MILLIS;
/// The first Monday after 1970 began, in days: the first of January was a Thursday.
const FIRST_MONDAY: i64 = 4;
/// Accounts looked for at once.
const PAGE: u32 = 200;

/// The next appointed time; none when resets are on demand only.
pub fn next_appointed(app: &App) -> Option<UnixMillis> {
    let last = last_appointed(app.settings().sandbox, app.sources().now())?;
    Some(last.plus_millis(WEEK_MILLIS))
}

/// Does what was appointed and is not done: the test environment of each account that was there at
/// the time and has credentials for test data, and the demo API's records. How many accounts were
/// reset here.
///
/// # Errors
/// The store's; what is left is done the next time.
pub async fn reset_appointed(app: &App) -> Result<usize, Error> {
    let now = app.sources().now();
    let Some(appointed) = last_appointed(app.settings().sandbox, now) else {
        return Ok(0);
    };
    match sandbox_resets::appointed(&mut *app.read().await?, EVERYBODY).await? {
        Some(done) if done >= appointed => return Ok(0),
        Some(_) => {}
        None => {
            // Nothing was appointed before there was an instance.
            finish(app, appointed).await?;
            return Ok(0);
        }
    }
    let signature = Signature::of("system", None, None);
    demo_by_appointment(app, appointed, &signature).await?;
    let (mut count, mut after) = (0, None);
    loop {
        let waiting =
            sandbox_resets::waiting(&mut *app.read().await?, appointed, after, PAGE).await?;
        for account_id in &waiting {
            let done = by_appointment(app, *account_id, appointed, &signature).await?;
            count += usize::from(done.is_some());
        }
        after = waiting.last().copied();
        if after.is_none() {
            break;
        }
    }
    finish(app, appointed).await?;
    Ok(count)
}

/// Notes that nothing is left of an appointed time.
async fn finish(app: &App, appointed: UnixMillis) -> Result<(), Error> {
    app.change(Effect::Grants, move |tx: &mut Tx| {
        Box::pin(async move {
            sandbox_resets::claim(tx, EVERYBODY, appointed).await?;
            Ok::<_, Error>(())
        })
    })
    .await
}

/// The latest appointed time that is not after `now`.
fn last_appointed(settings: SandboxSettings, now: UnixMillis) -> Option<UnixMillis> {
    let weekday = i64::from(settings.weekday?);
    let first = (FIRST_MONDAY + weekday) * DAY_MILLIS + i64::from(settings.hour) * HOUR_MILLIS;
    let weeks = (now.0 - first).div_euclid(WEEK_MILLIS);
    Some(UnixMillis(first + weeks * WEEK_MILLIS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_appointed_time_is_the_last_one_of_its_day_and_hour() {
        let settings = SandboxSettings {
            weekday: Some(6),
            hour: 3,
        };
        // Sunday, 22 November 2026, 03:00 UTC.
        let sunday = 1_795_316_400_000;
        for (now, expected) in [
            (sunday, sunday),
            (sunday - 1, sunday - WEEK_MILLIS),
            (sunday + WEEK_MILLIS - 1, sunday),
            (sunday + WEEK_MILLIS, sunday + WEEK_MILLIS),
        ] {
            let found = last_appointed(settings, UnixMillis(now));
            assert_eq!(found, Some(UnixMillis(expected)), "{now}");
        }
        let never = SandboxSettings {
            weekday: None,
            hour: 3,
        };
        assert_eq!(last_appointed(never, UnixMillis(sunday)), None);
    }
}
