//! Generating the legacy key of an account: the one moment at which it is known.

use std::sync::Arc;

use claviger_model::Reason;
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::credentials::StoredSecret;
use claviger_model::ids::LegacyKeyId;
use claviger_model::legacy_keys::LegacyKey;
use claviger_model::secret::Plaintext;
use claviger_store::{StoreError, Tx, legacy_keys};

use super::audited;
use crate::access::KeyAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::idempotency::{Before, IdempotencyKey, replay, replayed_id};

/// A legacy key that was generated, or generated before under the same `Idempotency-Key`.
pub struct Generated {
    /// The key.
    pub key: LegacyKey,
    /// Its secret; none in a replay after ten minutes.
    pub plaintext: Option<Plaintext>,
}

/// Generates the legacy key of the caller's account.
///
/// # Errors
/// The account has a live one, the instance makes none, or the `Idempotency-Key` was used for
/// something else. Then nothing was made.
pub async fn generate(
    app: &App,
    access: &KeyAccess,
    idempotency: Option<&IdempotencyKey>,
) -> Result<Generated, Error> {
    access.for_writing()?;
    if !app.settings().legacy_keys {
        let message = "This instance makes no legacy keys. Create an API key or a client.";
        return Err(Error::because(Reason::PermissionRequired, message));
    }
    let plaintext = app.sources().mint(&app.settings().prefixes.legacy_key)?;
    let now = app.sources().now();
    let fresh = LegacyKey {
        id: LegacyKeyId::new(now, &app.sources().id()?),
        account_id: access.account_id(),
        stored: StoredSecret::of(&plaintext, app.keyring()),
        created_by: access.signature().actor().to_owned(),
        created_at: now,
        revoked_at: None,
        revoked_by: None,
        version: 1,
    };
    let seal = |key: &IdempotencyKey| key.seal_secret(app.keyring(), app.sources(), &plaintext);
    let claim = (idempotency.cloned(), idempotency.map(seal).transpose()?);
    let Some(before) = write(app, access, &fresh, claim).await? else {
        return Ok(Generated {
            key: fresh,
            plaintext: Some(plaintext),
        });
    };
    let id: LegacyKeyId = replayed_id(&before)?;
    let found = legacy_keys::by_ids(&mut *app.read().await?, &[id]).await?;
    let own = |key: &LegacyKey| key.account_id == access.account_id();
    let key = found.into_iter().find(own);
    Ok(Generated {
        key: key.ok_or_else(|| Error::not_found("legacy key"))?,
        plaintext: before.secret,
    })
}

/// Adds it, unless the same request did so before.
async fn write(
    app: &App,
    access: &KeyAccess,
    fresh: &LegacyKey,
    claim: (Option<IdempotencyKey>, Option<Vec<u8>>),
) -> Result<Option<Before>, Error> {
    let event = access.signature().event(
        app.sources(),
        Some(fresh.account_id),
        Action::LegacyKeyCreated,
        fresh.id,
        (None, Some(audited(fresh))),
    )?;
    let (keyring, fresh) = (Arc::clone(app.keyring()), fresh.clone());
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let (keyring, fresh, event) = (keyring.clone(), fresh.clone(), event.clone());
        let (key, sealed_secret) = claim.clone();
        Box::pin(async move {
            let claim = (fresh.id, sealed_secret.as_deref());
            let made = replay(key.as_ref(), tx, &keyring, claim, fresh.created_at).await?;
            if made.is_some() {
                return Ok(made);
            }
            legacy_keys::insert(tx, &fresh).await.map_err(taken)?;
            tx.change(Change::new(ChangeKind::LegacyKey, fresh.id));
            tx.outbox(&event.action, Some(fresh.account_id), audited(&fresh));
            tx.audit(event);
            Ok::<_, Error>(None)
        })
    })
    .await
}

/// That the database keeps a second live key out is all that a caller can run into here.
fn taken(error: StoreError) -> Error {
    match error {
        StoreError::Conflict { .. } => {
            Error::conflict("This account has a legacy key. Revert it first.")
        }
        other => other.into(),
    }
}
