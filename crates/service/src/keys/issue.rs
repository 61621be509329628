//! Issuing a key: the one moment at which its secret is known.

use std::sync::Arc;

use claviger_model::Environment;
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::credentials::{KeySecret, StoredSecret};
use claviger_model::ids::{KeyId, SecretId};
use claviger_model::keys::{ApiKey, KeyDraft, KeySettings, KeyState};
use claviger_model::secret::Plaintext;
use claviger_store::{Tx, keys};

use super::{KeyWithSecrets, audited, find, rate};
use crate::access::KeyAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::idempotency::{IdempotencyKey, replay, replayed_id};
use crate::scopes::check_offered;

/// What a new key is asked to be.
#[derive(Clone, Debug)]
pub struct IssueInput {
    /// Its settings; `active` is whether it works from the start.
    pub draft: KeyDraft,
    /// Which data it reaches.
    pub environment: Environment,
}

/// A key that was issued, or issued before under the same `Idempotency-Key`.
pub struct Issued {
    /// The key.
    pub key: KeyWithSecrets,
    /// Its secret; none in a replay after ten minutes.
    pub plaintext: Option<Plaintext>,
}

/// Issues a key of the caller's account.
///
/// # Errors
/// Settings that are not acceptable, scopes that nobody offers or that the caller may not hand on,
/// an `Idempotency-Key` used for something else. Then nothing was made.
pub async fn issue(
    app: &App,
    access: &KeyAccess,
    input: IssueInput,
    idempotency: Option<&IdempotencyKey>,
) -> Result<Issued, Error> {
    access.for_writing()?;
    let now = app.sources().now();
    let settings = KeySettings::create(&input.draft, now)?;
    check_offered(app, &settings.scopes, &[], input.environment, false)?;
    access.may_hand_on(&settings.scopes)?;

    let plaintext = app
        .sources()
        .mint(app.settings().prefixes.key(input.environment))?;
    let key = ApiKey {
        id: KeyId::new(now, &app.sources().id()?),
        account_id: access.account_id(),
        environment: input.environment,
        rate_ceiling: rate::ceiling(access, &input.draft, &settings, None),
        settings,
        state: match input.draft.active {
            Some(false) => KeyState::Inactive { at: now },
            Some(true) | None => KeyState::Active,
        },
        created_by: access.signature().actor().to_owned(),
        created_at: now,
        version: 1,
    };
    let secret = KeySecret {
        id: SecretId::new(now, &app.sources().id()?),
        key_id: key.id,
        stored: StoredSecret::of(&plaintext, app.keyring()),
        created_at: now,
        version: 1,
    };
    let fresh = KeyWithSecrets {
        key,
        secrets: vec![secret],
    };
    write(app, access, fresh, plaintext, idempotency).await
}

async fn write(
    app: &App,
    access: &KeyAccess,
    fresh: KeyWithSecrets,
    plaintext: Plaintext,
    idempotency: Option<&IdempotencyKey>,
) -> Result<Issued, Error> {
    let key = &fresh.key;
    let after = Some(audited(key));
    let event = access.signature().event(
        app.sources(),
        Some(key.account_id),
        Action::KeyCreated,
        key.id,
        (None, after),
    )?;
    let seal = |key: &IdempotencyKey| key.seal_secret(app.keyring(), app.sources(), &plaintext);
    let sealed_secret = idempotency.map(seal).transpose()?;
    let (keyring, row, key) = (
        Arc::clone(app.keyring()),
        fresh.clone(),
        idempotency.cloned(),
    );
    let before = app
        .change(Effect::Grants, move |tx: &mut Tx| {
            let (keyring, row, event) = (keyring.clone(), row.clone(), event.clone());
            let (key, sealed_secret) = (key.clone(), sealed_secret.clone());
            Box::pin(async move {
                let claim = (row.key.id, sealed_secret.as_deref());
                let made = replay(key.as_ref(), tx, &keyring, claim, row.key.created_at).await?;
                if made.is_some() {
                    return Ok(made);
                }
                for secret in &row.secrets {
                    keys::insert(tx, &row.key, secret).await?;
                }
                tx.change(Change::new(ChangeKind::Key, row.key.id));
                tx.outbox(&event.action, Some(row.key.account_id), audited(&row.key));
                tx.audit(event);
                Ok::<_, Error>(None)
            })
        })
        .await?;
    let Some(before) = before else {
        return Ok(Issued {
            key: fresh,
            plaintext: Some(plaintext),
        });
    };
    let id = replayed_id(&before)?;
    let key = find(&mut *app.read().await?, access.account_id(), id).await?;
    Ok(Issued {
        key,
        plaintext: before.secret,
    })
}
