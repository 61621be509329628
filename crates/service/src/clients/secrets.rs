//! Further secrets of a client, and the end of single ones.

use std::sync::Arc;

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::clients::{Client, ClientIsDeleted, ClientSecret, SECRETS_MAX};
use claviger_model::credentials::StoredSecret;
use claviger_model::ids::{ClientId, SecretId};
use claviger_model::secret::Plaintext;
use claviger_store::{Tx, clients};
use serde_json::{Value, json};

use super::{ClientWithSecrets, audited_secret, find, rules};
use crate::access::KeyAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::idempotency::{IdempotencyKey, replay, replayed_id};
use crate::keys::difference;

/// What a further secret is asked to be.
#[derive(Clone, Default, Debug)]
pub struct SecretInput {
    /// What it is for.
    pub description: Option<String>,
    /// From when it gets no more tokens, in Unix milliseconds.
    pub expires_at: Option<i64>,
}

/// A secret that was added, or added before under the same `Idempotency-Key`.
pub struct Added {
    /// What is public of it.
    pub secret: ClientSecret,
    /// The secret itself; none in a replay after ten minutes.
    pub plaintext: Option<Plaintext>,
}

/// Adds a secret to a client of the caller's account.
///
/// # Errors
/// Unknown or deleted client, one that may do more than the client that acts, too many live
/// secrets, a description or expiry that is not acceptable. Then nothing was added.
pub async fn add_secret(
    app: &App,
    access: &KeyAccess,
    id: ClientId,
    input: &SecretInput,
    idempotency: Option<&IdempotencyKey>,
) -> Result<Added, Error> {
    access.for_writing()?;
    let now = app.sources().now();
    let description = input.description.as_deref();
    let (description, expires_at) = ClientSecret::described(description, input.expires_at, now)?;
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
        expires_at,
        revoked_at: None,
        revoked_by: None,
        version: 1,
    };
    write(app, access, secret, plaintext, idempotency).await
}

async fn write(
    app: &App,
    access: &KeyAccess,
    secret: ClientSecret,
    plaintext: Plaintext,
    idempotency: Option<&IdempotencyKey>,
) -> Result<Added, Error> {
    let seal = |key: &IdempotencyKey| key.seal_secret(app.keyring(), app.sources(), &plaintext);
    let sealed_secret = idempotency.map(seal).transpose()?;
    let (app_inside, access, row) = (app.clone(), access.clone(), secret.clone());
    let key = idempotency.cloned();
    let before = app
        .change(Effect::Grants, move |tx: &mut Tx| {
            let (app, access, row) = (app_inside.clone(), access.clone(), row.clone());
            let (key, sealed_secret) = (key.clone(), sealed_secret.clone());
            Box::pin(async move {
                let keyring = Arc::clone(app.keyring());
                let claim = (row.id, sealed_secret.as_deref());
                let made = replay(key.as_ref(), tx, &keyring, claim, row.created_at).await?;
                if made.is_some() {
                    return Ok(made);
                }
                clients::lock(tx, row.client_id).await?;
                let found = find(tx, access.account_id(), row.client_id).await?;
                rules::may_add_secret(&access, &found.client.settings)?;
                has_room(&found, &row)?;
                clients::insert_secret(tx, &row).await?;
                let after = (None, Some(audited_secret(&row)));
                announce(
                    tx,
                    &app,
                    &access,
                    &found.client,
                    Action::ClientSecretAdded,
                    after,
                )?;
                Ok::<_, Error>(None)
            })
        })
        .await?;
    let Some(before) = before else {
        return Ok(Added {
            secret,
            plaintext: Some(plaintext),
        });
    };
    let id: SecretId = replayed_id(&before)?;
    let found = clients::secret(&mut *app.read().await?, secret.client_id, id).await?;
    Ok(Added {
        secret: found.ok_or_else(|| Error::not_found("secret"))?,
        plaintext: before.secret,
    })
}

pub(super) fn has_room(found: &ClientWithSecrets, fresh: &ClientSecret) -> Result<(), Error> {
    if found.client.is_deleted() {
        return Err(Error::conflict(ClientIsDeleted.to_string()));
    }
    if !found.client.settings.takes_secrets() {
        let message = "This client gets no secrets: its token_endpoint_auth_method is none or \
                       private_key_jwt. Change that first if it is to have some.";
        return Err(Error::conflict(message));
    }
    let is_live = |secret: &&ClientSecret| secret.is_live(fresh.created_at);
    if found.secrets.iter().filter(is_live).count() >= SECRETS_MAX {
        let message = format!(
            "This client has {SECRETS_MAX} live secrets, which is the most. Revoke one that is \
             not used any more."
        );
        return Err(Error::conflict(message));
    }
    Ok(())
}

/// Revokes one secret of a client of the caller's account; a second time changes nothing and
/// succeeds too. When this returns, no node accepts a token that it got.
pub async fn revoke_secret(
    app: &App,
    access: &KeyAccess,
    id: ClientId,
    secret_id: SecretId,
) -> Result<(), Error> {
    access.for_writing()?;
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access) = (app_inside.clone(), access.clone());
        Box::pin(async move {
            clients::lock(tx, id).await?;
            let ClientWithSecrets { client, .. } = find(tx, access.account_id(), id).await?;
            let secret = clients::secret(tx, id, secret_id).await?;
            let secret = secret.ok_or_else(|| Error::not_found("secret"))?;
            let old = secret.clone();
            let revoked = secret.revoke(app.sources().now(), access.signature().actor());
            // A repeated call waits for the change too: the first caller may have gone away.
            tx.change(Change::new(ChangeKind::Client, id));
            if revoked.version != old.version {
                clients::update_secret(tx, &revoked).await?;
                let (before, after) = difference(&audited_secret(&old), &audited_secret(&revoked));
                let named = |members: Option<Value>| {
                    let mut members = members?;
                    members["secret_id"] = json!(secret_id);
                    Some(members)
                };
                let changes = (named(before), named(after));
                announce(
                    tx,
                    &app,
                    &access,
                    &client,
                    Action::ClientSecretRevoked,
                    changes,
                )?;
            }
            Ok::<_, Error>(())
        })
    })
    .await
}

/// Writes down that a secret of a client came or went.
fn announce(
    tx: &mut Tx,
    app: &App,
    access: &KeyAccess,
    client: &Client,
    action: Action,
    changes: (Option<Value>, Option<Value>),
) -> Result<(), Error> {
    tx.change(Change::new(ChangeKind::Client, client.id));
    let account_id = Some(client.account_id);
    let payload = json!({ "client_id": client.id, "change": changes.1 });
    let event = access
        .signature()
        .event(app.sources(), account_id, action, client.id, changes)?;
    tx.outbox(&event.action, account_id, payload);
    tx.audit(event);
    Ok(())
}
