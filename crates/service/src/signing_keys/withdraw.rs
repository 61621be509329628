//! Withdrawing a key that somebody else may have: it is unpublished at once, and its tokens die.

use claviger_model::UnixMillis;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::SigningKeyId;
use claviger_model::signing_keys::{SigningKey, signing};
use claviger_store::{Tx, signing_keys};

use super::make::{FreshKey, fresh, persistently};
use super::{audited, lifetimes, write_succession};
use crate::access::{OperatorAccess, Signature};
use crate::app::{App, Effect};
use crate::error::Error;

/// Withdraws a key; a second time changes nothing and succeeds too. When this returns, no node
/// accepts a token that it signed. If it was the one that signs, another one does from now on.
///
/// # Errors
/// An unknown key.
pub async fn withdraw(app: &App, access: &OperatorAccess, id: SigningKeyId) -> Result<(), Error> {
    let (keys, _) = signing_keys::all(&mut *app.read().await?).await?;
    let algorithm = find(&keys, id)?.algorithm;
    let fresh = fresh(app, algorithm).await?;
    let signature = access.signature();
    persistently(|| write(app, signature, id, fresh.clone())).await
}

fn find(keys: &[SigningKey], id: SigningKeyId) -> Result<&SigningKey, Error> {
    let found = keys.iter().find(|key| key.id == id);
    found.ok_or_else(|| Error::not_found("signing key"))
}

async fn write(
    app: &App,
    signature: &Signature,
    id: SigningKeyId,
    fresh: FreshKey,
) -> Result<(), Error> {
    let (app_inside, signature) = (app.clone(), signature.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, signature, fresh) = (app_inside.clone(), signature.clone(), fresh.clone());
        Box::pin(async move {
            let now = app.sources().now();
            let (mut keys, _) = signing_keys::all(tx).await?;
            let key = find(&keys, id)?.clone();
            keys.retain(|other| other.algorithm == key.algorithm);
            // A repeated call waits for the change too: the first caller may have gone away.
            tx.change(Change::new(ChangeKind::SigningKey, id));
            if key.is_withdrawn() {
                return Ok(());
            }
            let was_signing = signing(&keys, key.algorithm, now).is_some_and(|one| one.id == id);
            let before = audited(&key);
            let withdrawn = key.withdraw();
            signing_keys::update(tx, &withdrawn).await?;
            keys.retain(|other| other.id != id);
            if was_signing {
                let next = (withdrawn.algorithm, withdrawn.signs_from);
                if !promote(tx, &mut keys, next, now).await? {
                    keys.push(fresh.insert(tx, &app, &signature, (now, now)).await?);
                }
            }
            let lifetimes = lifetimes(&app, tx, now).await?;
            write_succession(tx, &keys, now, &lifetimes).await?;
            let difference = (Some(before), Some(audited(&withdrawn)));
            let action = Action::SigningKeyWithdrawn;
            tx.audit(signature.event(app.sources(), None, action, id, difference)?);
            Ok::<_, Error>(())
        })
    })
    .await
}

/// Lets the first key that waits sign at once; whether one did.
async fn promote(
    tx: &mut Tx,
    keys: &mut [SigningKey],
    (algorithm, after): (SigningAlgorithm, UnixMillis),
    now: UnixMillis,
) -> Result<bool, Error> {
    let waiting = keys.iter_mut().filter(|key| {
        key.algorithm == algorithm && key.is_published(now) && key.signs_from > after
    });
    let Some(next) = waiting.min_by_key(|key| (key.signs_from, key.generation)) else {
        return Ok(false);
    };
    if next.signs_from > now {
        *next = next.clone().sign_at_once(now);
        signing_keys::update(tx, next).await?;
        tx.change(Change::new(ChangeKind::SigningKey, next.id));
    }
    Ok(true)
}
