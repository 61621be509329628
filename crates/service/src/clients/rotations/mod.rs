//! Rotations: a client gets a new secret and its older ones an end. Start, change the end, cancel,
//! and notice the new secret's first use.

mod cancel;
mod change;
mod start;
mod watch;

use std::collections::HashMap;

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::clients::{Client, ClientSecret};
use claviger_model::ids::SecretId;
use claviger_model::rotations::{OldEnds, OldSecret, Rotation, Verdict};
use claviger_model::secret_uses::SecretUses;
use claviger_model::{Reason, UnixMillis};
use claviger_store::{Tx, clients};
use serde_json::{Value, json};

pub use cancel::cancel;
pub use change::change;
pub use start::start;
pub use watch::watch;

use super::{ClientWithSecrets, audited_secret};
use crate::access::Signature;
use crate::app::App;
use crate::error::Error;

/// How long a token of the client can live, in seconds: its own lifetime, else the longest of the
/// APIs that it may ask tokens for.
pub fn token_lifetime_seconds(app: &App, client: &Client) -> u32 {
    let settings = &client.settings;
    if let Some(seconds) = settings.token_lifetime_seconds {
        return seconds;
    }
    let instance = app.settings().tokens.lifetime_seconds;
    let index = app.verifier().index();
    let apis = index.apis();
    apis.all()
        .iter()
        .filter(|api| settings.api_id.is_none_or(|id| id == api.id))
        .map(|api| api.token_lifetime_seconds.unwrap_or(instance))
        .max()
        .unwrap_or(instance)
}

/// What became of secrets, as [`crate::uses::of`] tells it.
type Uses = HashMap<SecretId, SecretUses>;

/// Which of a client's live secrets can go: those that a rotation replaces, and without a rotation
/// all but the newest one.
pub fn verdicts(
    app: &App,
    found: &ClientWithSecrets,
    uses: &Uses,
    now: UnixMillis,
) -> HashMap<SecretId, Verdict> {
    let lifetime = token_lifetime_seconds(app, &found.client);
    let live = found.secrets.iter().filter(|secret| secret.is_live(now));
    let Some(rotation) = found.rotation.clone().or_else(|| seen(found, uses, now)) else {
        return HashMap::new();
    };
    let verdict = |secret: &ClientSecret| {
        let old = rotation.old(secret.id)?;
        let uses = uses.get(&secret.id).cloned().unwrap_or_default();
        Some((secret.id, rotation.verdict(old, &uses, lifetime, now)))
    };
    live.filter_map(verdict).collect()
}

/// Secrets that were added by hand, as a rotation to the newest one. When that was used first is
/// not known: not before it was made.
fn seen(found: &ClientWithSecrets, uses: &Uses, now: UnixMillis) -> Option<Rotation> {
    let live = || found.secrets.iter().filter(|secret| secret.is_live(now));
    let newest = live().next_back()?;
    let count = |id: SecretId| uses.get(&id).map_or(0, |uses| uses.used);
    let old = live().filter(|secret| secret.id != newest.id);
    let old = old.map(|secret| OldSecret {
        id: secret.id,
        expires_at: secret.expires_at,
        used: count(secret.id),
    });
    Some(Rotation {
        client_id: found.client.id,
        secret_id: newest.id,
        old_ends: OldEnds::AfterFirstUse { grace_seconds: 0 },
        old: old.collect(),
        started_by: String::new(),
        started_at: newest.created_at,
        first_used_at: (count(newest.id) > 0).then_some(newest.created_at),
        version: 0,
    })
}

/// The rotation of a client that is under way, for somebody who wants to change it.
fn to_be_changed(found: &ClientWithSecrets, now: UnixMillis) -> Result<Rotation, Error> {
    let rotation = found.rotation_under_way(now).cloned();
    rotation.ok_or_else(|| {
        let message = "No rotation of this client is under way.";
        Error::because(Reason::NotFound, message)
    })
}

/// Gives each of the older secrets that still gets tokens the end that is planned for it.
async fn end_as_planned(
    tx: &mut Tx,
    secrets: &[ClientSecret],
    rotation: &Rotation,
    now: UnixMillis,
) -> Result<(), Error> {
    for secret in secrets.iter().filter(|secret| secret.is_live(now)) {
        let Some(old) = rotation.old(secret.id) else {
            continue;
        };
        let ended = secret.clone().end_at(rotation.end_of(old, now));
        if ended.version != secret.version {
            clients::update_secret(tx, &ended).await?;
        }
    }
    Ok(())
}

/// Revokes those of the secrets that still get tokens, with one audit event each.
async fn revoke<'a>(
    tx: &mut Tx,
    app: &App,
    signature: &Signature,
    client: &Client,
    secrets: impl Iterator<Item = &'a ClientSecret>,
) -> Result<(), Error> {
    let now = app.sources().now();
    for secret in secrets.filter(|secret| secret.is_live(now)) {
        let revoked = secret.clone().revoke(now, signature.actor());
        clients::update_secret(tx, &revoked).await?;
        let changes = (Some(audited_secret(secret)), Some(audited_secret(&revoked)));
        announce(
            tx,
            app,
            signature,
            client,
            Action::ClientSecretRevoked,
            changes,
        )?;
    }
    Ok(())
}

/// Writes down what became of a rotation.
fn announce(
    tx: &mut Tx,
    app: &App,
    signature: &Signature,
    client: &Client,
    action: Action,
    changes: (Option<Value>, Option<Value>),
) -> Result<(), Error> {
    tx.change(Change::new(ChangeKind::Client, client.id));
    let account_id = Some(client.account_id);
    let payload = json!({ "client_id": client.id, "change": changes.1 });
    let event = signature.event(app.sources(), account_id, action, client.id, changes)?;
    tx.outbox(&event.action, account_id, payload);
    tx.audit(event);
    Ok(())
}

/// The members of a rotation that an audit event tells of.
fn audited(rotation: &Rotation) -> Value {
    let ids: Vec<SecretId> = rotation.old.iter().map(|old| old.id).collect();
    json!({
        "secret_id": rotation.secret_id,
        "old_secret_ids": ids,
        "old_ends": rotation.old_ends.as_str(),
        "grace_seconds": rotation.old_ends.grace_seconds(),
        "at": rotation.old_ends.at(),
        "first_used_at": rotation.first_used_at,
    })
}
