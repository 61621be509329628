//! Forgetting usage: what is old, and what was only tried.

use std::sync::Arc;

use claviger_model::ids::AccountId;
use claviger_model::time::DAY_MILLIS;
use claviger_model::usage::Step;
use claviger_model::{Environment, UnixMillis};
use claviger_store::{StoreError, Tx, Walk, usage};

use super::query::flush;
use crate::app::App;
use crate::error::Error;

/// Series whose counts are deleted in one transaction.
const SERIES_AT_ONCE: u32 = 500;
/// How long a process that adds nothing is remembered: longer than a portion of it can wait for a
/// database that does not answer.
const WRITERS_KEPT_MILLIS: i64 = 30 * DAY_MILLIS;

/// Forgets counts that are kept no longer, and the series of which none are left.
///
/// # Errors
/// The usage database's.
pub async fn forget_old(app: &App) -> Result<(), Error> {
    let now = app.sources().now();
    let settings = &app.settings().usage;
    let before = |days: u32| now.plus_millis(-i64::from(days) * DAY_MILLIS);
    let ends = [
        (Step::Minute, before(settings.minutes_days)),
        (Step::Hour, before(settings.hours_days)),
        (Step::Day, before(settings.days)),
    ];
    let mut walk = Walk::of("usage_series");
    loop {
        let mut reader = app.usage_db().read().await?;
        let series =
            usage::series_after(&mut reader, walk.after().unwrap_or(-1), SERIES_AT_ONCE).await?;
        drop(reader);
        let Some(last) = series.last().copied() else {
            break;
        };
        delete(app, series, &ends, Purged::CountsAndSeries).await?;
        walk.on_to(last)?;
    }
    let before = now.plus_millis(-WRITERS_KEPT_MILLIS);
    let forgotten = app
        .usage_db()
        .write(move |tx: &mut Tx| Box::pin(async move { usage::forget_writers(tx, before).await }));
    forgotten.await?;
    Ok(())
}

/// Forgets what an account has done in the test environment up to now.
///
/// # Errors
/// The usage database's.
pub async fn forget_test(app: &App, account: AccountId) -> Result<(), Error> {
    flush(app).await;
    let everything = [Step::Minute, Step::Hour, Step::Day].map(|step| (step, UnixMillis(i64::MAX)));
    let mut walk = Walk::of("usage_series");
    loop {
        let mut reader = app.usage_db().read().await?;
        let test = Environment::Test;
        let after = walk.after().unwrap_or(-1);
        let found = usage::series_of(&mut reader, account, test, after, SERIES_AT_ONCE).await?;
        drop(reader);
        let Some(last) = found.last().copied() else {
            return Ok(());
        };
        delete(app, found, &everything, Purged::Counts).await?;
        walk.on_to(last)?;
    }
}

/// What is deleted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purged {
    Counts,
    /// A series goes as late as its counts by the day, so that whoever remembers from today that
    /// it is there is right.
    CountsAndSeries,
}

async fn delete(
    app: &App,
    series: Vec<i64>,
    ends: &[(Step, UnixMillis); 3],
    purged: Purged,
) -> Result<(), Error> {
    let (series, ends) = (Arc::<[i64]>::from(series), *ends);
    let deleted = app.usage_db().write(move |tx: &mut Tx| {
        let series = Arc::clone(&series);
        Box::pin(async move {
            for (step, before) in ends {
                usage::forget(tx, &series, step, before).await?;
            }
            if purged == Purged::CountsAndSeries {
                let [.., (_, days_end)] = ends;
                usage::forget_series(tx, &series, days_end).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    deleted.await?;
    Ok(())
}
