//! Rotating: the next key is published at once, and signs when every verifier must know it.

use claviger_model::UnixMillis;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::signing_keys::{SigningKey, SigningKeyStatus};
use claviger_model::time::DAY_MILLIS;
use claviger_store::Tx;

use super::list::{ListedKey, listed};
use super::make::{FreshKey, fresh, persistently};
use super::{WAITING_MAX, lifetimes, of_algorithm, system, write_succession};
use crate::access::{OperatorAccess, Signature};
use crate::app::{App, Effect};
use crate::error::Error;
use crate::idempotency::{IdempotencyKey, replay, replayed_id};

/// Who asks for a rotation, and how.
#[derive(Clone)]
struct Asked {
    signature: Signature,
    idempotency: Option<IdempotencyKey>,
    only_when_due: bool,
}

/// Makes the next key of an algorithm, the instance's own when none is named.
///
/// # Errors
/// Too many keys wait for their turn already.
pub async fn rotate(
    app: &App,
    access: &OperatorAccess,
    algorithm: Option<SigningAlgorithm>,
    idempotency: Option<&IdempotencyKey>,
) -> Result<ListedKey, Error> {
    let algorithm = algorithm.unwrap_or(app.settings().tokens.signing_algorithm);
    let fresh = fresh(app, algorithm).await?;
    let asked = Asked {
        signature: access.signature().clone(),
        idempotency: idempotency.cloned(),
        only_when_due: false,
    };
    let made = persistently(|| write(app, fresh.clone(), asked.clone())).await?;
    made.ok_or_else(|| Error::conflict("Another rotation was faster."))
}

/// Makes the next key of an algorithm when the last one has signed long enough by the time that
/// the next one would begin.
pub(super) async fn rotate_when_due(app: &App, algorithm: SigningAlgorithm) -> Result<(), Error> {
    let keys = of_algorithm(&mut *app.read().await?, algorithm).await?;
    if !is_due(app, &keys, app.sources().now()) {
        return Ok(());
    }
    let fresh = fresh(app, algorithm).await?;
    let asked = Asked {
        signature: system(),
        idempotency: None,
        only_when_due: true,
    };
    // Another node that is faster leaves nothing to do.
    let made = persistently(|| write(app, fresh.clone(), asked.clone())).await?;
    if let Some(made) = made {
        tracing::info!(id = %made.key.id, "the next signing key is published");
    }
    Ok(())
}

/// Makes the key; none when that was asked only for when it is due, and it is not.
async fn write(app: &App, fresh: FreshKey, asked: Asked) -> Result<Option<ListedKey>, Error> {
    let app_inside = app.clone();
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let (app, asked, fresh) = (app_inside.clone(), asked.clone(), fresh.clone());
        Box::pin(async move {
            let now = app.sources().now();
            let before = asked.idempotency.as_ref();
            let claim = (fresh.id(), None);
            if let Some(before) = replay(before, tx, app.keyring(), claim, now).await? {
                return Ok(Some(listed(tx, replayed_id(&before)?, now).await?));
            }
            let mut keys = of_algorithm(tx, fresh.algorithm()).await?;
            if asked.only_when_due && !is_due(&app, &keys, now) {
                return Ok(None);
            }
            let waiting = |key: &&SigningKey| {
                SigningKeyStatus::of(key, &keys, now) == SigningKeyStatus::Published
            };
            if keys.iter().filter(waiting).count() >= WAITING_MAX {
                return Err(full(&app, fresh.algorithm()));
            }
            let signs_from = signs_from(&app, &keys, now);
            let key = fresh
                .insert(tx, &app, &asked.signature, (now, signs_from))
                .await?;
            keys.push(key.clone());
            let lifetimes = lifetimes(&app, tx, now).await?;
            write_succession(tx, &keys, now, &lifetimes).await?;
            Ok::<_, Error>(Some(ListedKey {
                status: SigningKeyStatus::of(&key, &keys, now),
                key,
            }))
        })
    })
    .await
}

fn full(app: &App, algorithm: SigningAlgorithm) -> Error {
    Error::conflict(format!(
        "{WAITING_MAX} keys for {} wait for their turn already. The next one begins within {} \
         seconds.",
        algorithm.as_str(),
        delay_millis(app) / 1_000
    ))
}

/// When a key that is made now may sign: never before a published one; at once when it is the
/// only one.
fn signs_from(app: &App, keys: &[SigningKey], now: UnixMillis) -> UnixMillis {
    let living = keys.iter().filter(|key| key.is_published(now));
    living.map(|key| key.signs_from).max().map_or(now, |last| {
        now.plus_millis(delay_millis(app)).max(last.plus_millis(1))
    })
}

/// How long a key is published before it signs. A node that has not heard of it after its lease
/// decides nothing.
fn delay_millis(app: &App) -> i64 {
    let settings = app.settings();
    let lease_millis = i64::try_from(settings.lease_millis).unwrap_or(i64::MAX);
    (i64::from(settings.tokens.jwks_cache_seconds) * 1_000).max(lease_millis)
}

/// Whether the last key will have signed for as long as keys do when the next could begin.
fn is_due(app: &App, keys: &[SigningKey], now: UnixMillis) -> bool {
    let days = i64::from(app.settings().tokens.signing_key_days);
    let begins = now.plus_millis(delay_millis(app));
    let living = keys.iter().filter(|key| key.is_published(now));
    let last = living.map(|key| key.signs_from).max();
    last.is_some_and(|last| begins.since(last) >= days * DAY_MILLIS)
}
