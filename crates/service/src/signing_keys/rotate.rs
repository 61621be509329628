//! Rotating: the next key is published at once, and signs when every verifier must know it.

use claviger_model::UnixMillis;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::signing_keys::{SigningKey, SigningKeyStatus};
use claviger_model::time::DAY_MILLIS;
use claviger_store::Tx;

use super::list::ListedKey;
use super::make::{FreshKey, fresh, persistently};
use super::{WAITING_MAX, lifetimes, of_algorithm, system, write_succession};
use crate::access::{OperatorAccess, Signature};
use crate::app::{App, Effect};
use crate::error::Error;

/// Why a rotation made nothing.
enum Unmade {
    /// Too many keys wait for their turn.
    Full,
    /// The last key is young enough.
    Undue,
}

/// Makes the next key of an algorithm, the instance's own when none is named.
///
/// # Errors
/// Too many keys wait for their turn already.
pub async fn rotate(
    app: &App,
    access: &OperatorAccess,
    algorithm: Option<SigningAlgorithm>,
) -> Result<ListedKey, Error> {
    let algorithm = algorithm.unwrap_or(app.settings().tokens.signing_algorithm);
    let fresh = fresh(app, algorithm).await?;
    let signature = access.signature();
    let made = persistently(|| write(app, fresh.clone(), signature, false)).await?;
    made.map_err(|_| {
        Error::conflict(format!(
            "{WAITING_MAX} keys for {} wait for their turn already. The next one begins within \
             {} seconds.",
            algorithm.as_str(),
            delay_millis(app) / 1_000
        ))
    })
}

/// Makes the next key of an algorithm when the last one has signed long enough by the time that
/// the next one would begin.
pub(super) async fn rotate_when_due(app: &App, algorithm: SigningAlgorithm) -> Result<(), Error> {
    let keys = of_algorithm(&mut *app.read().await?, algorithm).await?;
    if !is_due(app, &keys, app.sources().now()) {
        return Ok(());
    }
    let fresh = fresh(app, algorithm).await?;
    let system = system();
    // Another node that is faster leaves nothing to do.
    let made = persistently(|| write(app, fresh.clone(), &system, true)).await?;
    if let Ok(made) = made {
        tracing::info!(id = %made.key.id, "the next signing key is published");
    }
    Ok(())
}

async fn write(
    app: &App,
    fresh: FreshKey,
    signature: &Signature,
    only_when_due: bool,
) -> Result<Result<ListedKey, Unmade>, Error> {
    let (app_inside, signature) = (app.clone(), signature.clone());
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let (app, signature, fresh) = (app_inside.clone(), signature.clone(), fresh.clone());
        Box::pin(async move {
            let now = app.sources().now();
            let mut keys = of_algorithm(tx, fresh.algorithm()).await?;
            if only_when_due && !is_due(&app, &keys, now) {
                return Ok(Err(Unmade::Undue));
            }
            let waiting = |key: &&SigningKey| {
                SigningKeyStatus::of(key, &keys, now) == SigningKeyStatus::Published
            };
            if keys.iter().filter(waiting).count() >= WAITING_MAX {
                return Ok(Err(Unmade::Full));
            }
            let signs_from = signs_from(&app, &keys, now);
            let key = fresh
                .insert(tx, &app, &signature, (now, signs_from))
                .await?;
            keys.push(key.clone());
            let lifetimes = lifetimes(&app, tx, now).await?;
            write_succession(tx, &keys, now, &lifetimes).await?;
            Ok::<_, Error>(Ok(ListedKey {
                status: SigningKeyStatus::of(&key, &keys, now),
                key,
            }))
        })
    })
    .await
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
