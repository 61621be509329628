//! Forgetting what is not needed any more.

use claviger_model::changes::{Change, ChangeKind};
use claviger_model::clients::TOKEN_LIFETIME_SECONDS_MAX;
use claviger_model::time::DAY_MILLIS;
use claviger_store::{
    StoreError, Tx, authorization_codes, devices, grants, idempotency, ledger, outbox,
    pushed_requests, refresh_tokens, reminders, revoked_tokens, sessions, spent_identifiers,
    token_counts, token_families, token_family_uses, webhook_deliveries,
};
use futures_core::future::BoxFuture;

use crate::app::{App, Effect};
use crate::decisions;
use crate::error::Error;
use crate::oauth::authorize;
use crate::tokens::day;
use crate::usage;

/// Epochs whose changes are kept, so that a node that was away for a while can catch up without
/// loading everything.
const EPOCHS_KEPT: i64 = 100_000;
/// How long sessions are kept after their end, for "expired" instead of "invalid".
const SESSIONS_KEPT_MILLIS: i64 = 7 * DAY_MILLIS;
/// How long a revoked token, and what may be used once, is kept after its end, for clocks that
/// differ.
const REVOKED_TOKENS_KEPT_MILLIS: i64 = 10 * 60 * 1_000;
/// How long grants are kept after their end, for "what did it have access to?".
const GRANTS_KEPT_MILLIS: i64 = 90 * DAY_MILLIS;
/// How long codes are kept after their end, so that one that is used again is known.
const CODES_KEPT_MILLIS: i64 = 60 * 60 * 1_000;
/// How long refresh tokens and their families are kept after their end: as long as an access token
/// can live that was issued at the end.
const FAMILIES_KEPT_MILLIS: i64 = TOKEN_LIFETIME_SECONDS_MAX as i64 * 1_000;
/// Days whose counts of tokens are kept.
const TOKEN_COUNT_DAYS_KEPT: i64 = 7;
/// How long pushed requests and codes of devices are kept after their end, for "expired" instead of
/// "unknown".
const REQUESTS_KEPT_MILLIS: i64 = DAY_MILLIS;
/// How long messages to the outside are kept after somebody took them, to look into what became of
/// one.
const MESSAGES_KEPT_MILLIS: i64 = 7 * DAY_MILLIS;
/// How long it is noted that a reminder was given: longer than it can be due again, which is a year
/// before an end, and a month for what is old.
const REMINDERS_KEPT_MILLIS: i64 = 400 * DAY_MILLIS;
/// Rows deleted in one transaction.
const ROWS_AT_ONCE: u32 = 500;

/// Forgets everything that is over. Each part is tried whatever became of the others: a failure
/// costs room, not function, and the next round makes up for it.
pub(super) async fn clean(app: &App) {
    report("changes", changes(app).await);
    report("idempotency keys", idempotency_keys(app).await);
    report("sessions", ended_sessions(app).await);
    report("revoked tokens", ended_tokens(app).await);
    report("spent identifiers", spent(app).await);
    report("ended grants", ended_grants(app).await);
    report("counts of tokens", old_token_counts(app).await);
    report("requests of apps", ended_requests(app).await);
    report("codes", ended_codes(app).await);
    report("refresh tokens", ended_refresh_tokens(app).await);
    report("uses of access tokens", old_family_uses(app).await);
    report("messages", old_messages(app).await);
    report("deliveries to webhooks", old_deliveries(app).await);
    report("notes of reminders", old_reminders(app).await);
    report("decisions", old_decisions(app).await);
    report("counts of requests", usage::forget_old(app).await);
    report(
        "authorization failures",
        old_authorization_failures(app).await,
    );
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
    in_portions(app, move |tx| {
        Box::pin(sessions::delete_ended_before(tx, before, ROWS_AT_ONCE))
    })
    .await?;
    app.verifier().index().forget_sessions(before);
    Ok(())
}

async fn ended_tokens(app: &App) -> Result<(), Error> {
    let before = app.sources().now().plus_millis(-REVOKED_TOKENS_KEPT_MILLIS);
    in_portions(app, move |tx| {
        Box::pin(revoked_tokens::purge(tx, before, ROWS_AT_ONCE))
    })
    .await?;
    app.verifier().index().forget_revoked_tokens(before);
    Ok(())
}

async fn spent(app: &App) -> Result<(), Error> {
    let before = app.sources().now().plus_millis(-REVOKED_TOKENS_KEPT_MILLIS);
    in_portions(app, move |tx| {
        Box::pin(spent_identifiers::delete_before(tx, before, ROWS_AT_ONCE))
    })
    .await
}

async fn ended_grants(app: &App) -> Result<(), Error> {
    let before = app.sources().now().plus_millis(-GRANTS_KEPT_MILLIS);
    in_portions(app, move |tx| {
        Box::pin(async move {
            let ids = grants::ended_before(tx, before, ROWS_AT_ONCE).await?;
            if ids.is_empty() {
                return Ok(0);
            }
            grants::delete_ended(tx, &ids).await?;
            // Every node forgets them.
            for id in &ids {
                tx.change(Change::new(ChangeKind::Grant, id));
            }
            Ok(ids.len() as u64)
        })
    })
    .await
}

async fn old_token_counts(app: &App) -> Result<(), Error> {
    let before = day(app.sources().now()) - TOKEN_COUNT_DAYS_KEPT;
    in_portions(app, move |tx| {
        Box::pin(token_counts::purge(tx, before, ROWS_AT_ONCE))
    })
    .await
}

async fn ended_requests(app: &App) -> Result<(), Error> {
    let before = app.sources().now().plus_millis(-REQUESTS_KEPT_MILLIS);
    in_portions(app, move |tx| {
        Box::pin(pushed_requests::delete_before(tx, before, ROWS_AT_ONCE))
    })
    .await?;
    in_portions(app, move |tx| {
        Box::pin(devices::delete_before(tx, before, ROWS_AT_ONCE))
    })
    .await?;
    in_portions(app, move |tx| {
        Box::pin(devices::delete_polls_before(tx, before, ROWS_AT_ONCE))
    })
    .await
}

async fn ended_codes(app: &App) -> Result<(), Error> {
    let before = app.sources().now().plus_millis(-CODES_KEPT_MILLIS);
    in_portions(app, move |tx| {
        Box::pin(authorization_codes::delete_before(tx, before, ROWS_AT_ONCE))
    })
    .await
}

/// Refresh tokens first: nothing is left of a family that is gone.
async fn ended_refresh_tokens(app: &App) -> Result<(), Error> {
    let now = app.sources().now();
    let before = now.plus_millis(-FAMILIES_KEPT_MILLIS);
    in_portions(app, move |tx| {
        Box::pin(refresh_tokens::delete_before(tx, before, ROWS_AT_ONCE))
    })
    .await?;
    in_portions(app, move |tx| {
        Box::pin(token_families::delete_before(tx, before, ROWS_AT_ONCE))
    })
    .await?;
    app.verifier().index().families().forget_ended(now);
    Ok(())
}

/// A use matters as long as the refresh token before it can come again.
async fn old_family_uses(app: &App) -> Result<(), Error> {
    let kept_days = i64::from(app.settings().oauth.refresh_token_days) + 1;
    let before = app.sources().now().plus_millis(-kept_days * DAY_MILLIS);
    loop {
        let deleted = app.usage_db().write(move |tx: &mut Tx| {
            Box::pin(token_family_uses::delete_before(tx, before, ROWS_AT_ONCE))
        });
        if deleted.await?.value < u64::from(ROWS_AT_ONCE) {
            return Ok(());
        }
    }
}

async fn old_messages(app: &App) -> Result<(), Error> {
    let before = app.sources().now().plus_millis(-MESSAGES_KEPT_MILLIS);
    in_portions(app, move |tx| {
        Box::pin(outbox::delete_taken_before(tx, before, ROWS_AT_ONCE))
    })
    .await
}

async fn old_deliveries(app: &App) -> Result<(), Error> {
    let kept_millis = i64::from(app.settings().webhooks.days) * DAY_MILLIS;
    let before = app.sources().now().plus_millis(-kept_millis);
    in_portions(app, move |tx| {
        Box::pin(webhook_deliveries::delete_before(tx, before, ROWS_AT_ONCE))
    })
    .await
}

async fn old_reminders(app: &App) -> Result<(), Error> {
    let before = app.sources().now().plus_millis(-REMINDERS_KEPT_MILLIS);
    in_portions(app, move |tx| {
        Box::pin(reminders::delete_before(tx, before, ROWS_AT_ONCE))
    })
    .await
}

/// Deletes a limited number of rows in one transaction, and goes on as long as there are so many.
async fn in_portions<F>(app: &App, delete: F) -> Result<(), Error>
where
    F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<u64, StoreError>>
        + Clone
        + Send
        + Sync
        + 'static,
{
    loop {
        let delete = delete.clone();
        let deleted = app.change(Effect::Grants, move |tx: &mut Tx| {
            let deleted = delete(tx);
            Box::pin(async move { Ok::<_, Error>(deleted.await?) })
        });
        if deleted.await? < u64::from(ROWS_AT_ONCE) {
            return Ok(());
        }
    }
}

async fn old_authorization_failures(app: &App) -> Result<(), Error> {
    let kept_millis = i64::from(app.settings().decisions_days) * DAY_MILLIS;
    let before = app.sources().now().plus_millis(-kept_millis);
    authorize::purge(app.usage_db(), before).await
}

async fn old_decisions(app: &App) -> Result<(), Error> {
    let kept_millis = i64::from(app.settings().decisions_days) * DAY_MILLIS;
    let before = app.sources().now().plus_millis(-kept_millis);
    decisions::purge(app.usage_db(), before).await?;
    Ok(())
}
