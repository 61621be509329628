//! Forgetting what is not needed any more.

use claviger_model::time::DAY_MILLIS;
use claviger_store::{Tx, idempotency, ledger, sessions};

use crate::app::{App, Effect};
use crate::decisions;
use crate::error::Error;

/// Epochs whose changes are kept, so that a node that was away for a while can catch up without
/// loading everything.
const EPOCHS_KEPT: i64 = 100_000;
/// How long sessions are kept after their end, for "expired" instead of "invalid".
const SESSIONS_KEPT_MILLIS: i64 = 7 * DAY_MILLIS;
/// Rows deleted in one transaction.
const ROWS_AT_ONCE: u32 = 500;

/// Forgets everything that is over. Each part is tried whatever became of the others: a failure
/// costs room, not function, and the next round makes up for it.
pub(super) async fn clean(app: &App) {
    report("changes", changes(app).await);
    report("idempotency keys", idempotency_keys(app).await);
    report("sessions", ended_sessions(app).await);
    report("decisions", old_decisions(app).await);
}

fn report(what: &str, result: Result<(), Error>) {
    if let Err(error) = result {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(%error, cause, "old {what} could not be removed");
    }
}

async fn changes(app: &App) -> Result<(), Error> {
    let epoch = ledger::epoch(&mut *app.read().await?).await?;
    if epoch <= EPOCHS_KEPT {
        return Ok(());
    }
    let below = epoch - EPOCHS_KEPT + 1;
    app.change(Effect::Grants, move |tx: &mut Tx| {
        Box::pin(async move { Ok(ledger::prune(tx, below).await?) })
    })
    .await
}

async fn idempotency_keys(app: &App) -> Result<(), Error> {
    let now = app.sources().now();
    app.change(Effect::Grants, move |tx: &mut Tx| {
        Box::pin(async move { Ok(idempotency::purge(tx, now).await?) })
    })
    .await
}

async fn ended_sessions(app: &App) -> Result<(), Error> {
    let before = app.sources().now().plus_millis(-SESSIONS_KEPT_MILLIS);
    loop {
        let deleted = app
            .change(Effect::Grants, move |tx: &mut Tx| {
                Box::pin(async move {
                    Ok::<_, Error>(sessions::delete_ended_before(tx, before, ROWS_AT_ONCE).await?)
                })
            })
            .await?;
        if deleted < u64::from(ROWS_AT_ONCE) {
            break;
        }
    }
    app.verifier().index().forget_sessions(before);
    Ok(())
}

async fn old_decisions(app: &App) -> Result<(), Error> {
    let kept_millis = i64::from(app.settings().decisions_days) * DAY_MILLIS;
    let before = app.sources().now().plus_millis(-kept_millis);
    decisions::purge(app.usage_db(), before).await?;
    Ok(())
}
