//! Starting a rotation: a new secret, and an end for the older ones.

use std::collections::HashMap;
use std::sync::Arc;

use claviger_model::audit::Action;
use claviger_model::clients::ClientSecret;
use claviger_model::credentials::StoredSecret;
use claviger_model::ids::{ClientId, SecretId};
use claviger_model::rotations::{OldEnds, OldSecret, Rotation, RotationDraft};
use claviger_model::secret_uses::SecretUses;
use claviger_store::{Tx, clients, rotations};
use serde_json::json;

use super::{announce, audited, end_as_planned, revoke};
use crate::access::KeyAccess;
use crate::app::{App, Effect};
use crate::clients::{Added, ClientWithSecrets, audited_secret, find, rules, secrets};
use crate::error::Error;
use crate::idempotency::{IdempotencyKey, replay, replayed_id};
use crate::uses;

/// Adds a secret to a client of the caller's account and plans the end of those that it has. With
/// [`OldEnds::Now`] no node accepts one of them, or a token that it got, when this returns.
///
/// # Errors
/// Unknown or deleted client, one that may do more than the client that acts, a rotation that is
/// under way already (unless the older ones end now), a plan that is not acceptable. Then nothing
/// was changed.
pub async fn start(
    app: &App,
    access: &KeyAccess,
    id: ClientId,
    draft: &RotationDraft,
    idempotency: Option<&IdempotencyKey>,
) -> Result<Added, Error> {
    access.for_writing()?;
    let now = app.sources().now();
    let (description, old_ends) = draft.checked(now)?;
    let found = find(&mut *app.read().await?, access.account_id(), id).await?;
    rules::may_add_secret(access, &found.client.settings)?;
    let environment = found.client.environment;
    let plaintext = app
        .sources()
        .mint(app.settings().prefixes.client_secret(environment))?;
    let secret = ClientSecret {
        id: SecretId::new(now, &app.sources().id()?),
        client_id: id,
        stored: StoredSecret::of(&plaintext, app.keyring()),
        description,
        created_at: now,
        expires_at: None,
        revoked_at: None,
        revoked_by: None,
        version: 1,
    };
    let ids: Vec<SecretId> = found.secrets.iter().map(|secret| secret.id).collect();
    let uses = Arc::new(uses::of(app, &ids).await?);
    let seal = |key: &IdempotencyKey| key.seal_secret(app.keyring(), app.sources(), &plaintext);
    let sealed_secret = idempotency.map(seal).transpose()?;
    let (app_inside, access_inside, row) = (app.clone(), access.clone(), secret.clone());
    let key = idempotency.cloned();
    let before = app
        .change(Effect::Removes, move |tx: &mut Tx| {
            let (app, access, row) = (app_inside.clone(), access_inside.clone(), row.clone());
            let (key, sealed_secret, uses) =
                (key.clone(), sealed_secret.clone(), Arc::clone(&uses));
            Box::pin(async move {
                let claim = (row.id, sealed_secret.as_deref());
                let made = replay(key.as_ref(), tx, app.keyring(), claim, row.created_at).await?;
                if made.is_none() {
                    write(tx, &app, &access, (&row, old_ends), &uses).await?;
                }
                Ok::<_, Error>(made)
            })
        })
        .await?;
    let Some(before) = before else {
        return Ok(Added {
            secret,
            plaintext: Some(plaintext),
        });
    };
    let secret_id: SecretId = replayed_id(&before)?;
    let found = clients::secret(&mut *app.read().await?, id, secret_id).await?;
    Ok(Added {
        secret: found.ok_or_else(|| Error::not_found("secret"))?,
        plaintext: before.secret,
    })
}

async fn write(
    tx: &mut Tx,
    app: &App,
    access: &KeyAccess,
    (fresh, old_ends): (&ClientSecret, OldEnds),
    uses: &HashMap<SecretId, SecretUses>,
) -> Result<(), Error> {
    let now = fresh.created_at;
    clients::lock(tx, fresh.client_id).await?;
    let mut found = find(tx, access.account_id(), fresh.client_id).await?;
    rules::may_add_secret(access, &found.client.settings)?;
    found.secrets.retain(|secret| secret.is_live(now));
    let rotation = planned(access, &found, fresh, old_ends, uses);
    if old_ends == OldEnds::Now {
        // They make room for the new one.
        let old = std::mem::take(&mut found.secrets);
        secrets::has_room(&found, fresh)?;
        revoke(tx, app, access.signature(), &found.client, old.iter()).await?;
        rotations::delete(tx, fresh.client_id).await?;
    } else {
        if found.rotation_under_way(now).is_some() {
            let message = "A rotation of this client is under way. Let its older secrets end, \
                           end them now, or cancel it first.";
            return Err(Error::conflict(message));
        }
        secrets::has_room(&found, fresh)?;
        rotations::delete(tx, fresh.client_id).await?;
        end_as_planned(tx, &found.secrets, &rotation, now).await?;
        if !rotation.old.is_empty() {
            rotations::insert(tx, &rotation).await?;
        }
    }
    clients::insert_secret(tx, fresh).await?;
    let mut told = audited(&rotation);
    told["secret"] = audited_secret(fresh);
    let changes = (None, Some(json!(told)));
    let action = Action::ClientRotationStarted;
    announce(tx, app, access.signature(), &found.client, action, changes)
}

fn planned(
    access: &KeyAccess,
    found: &ClientWithSecrets,
    fresh: &ClientSecret,
    old_ends: OldEnds,
    uses: &HashMap<SecretId, SecretUses>,
) -> Rotation {
    let old = found.secrets.iter().map(|secret| OldSecret {
        id: secret.id,
        expires_at: secret.expires_at,
        used: uses.get(&secret.id).map_or(0, |uses| uses.used),
    });
    Rotation {
        client_id: fresh.client_id,
        secret_id: fresh.id,
        old_ends,
        old: old.collect(),
        started_by: access.signature().actor().to_owned(),
        started_at: fresh.created_at,
        first_used_at: None,
        version: 1,
    }
}
