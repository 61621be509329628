//! Webhooks: addresses that are told what happens, signed as Standard Webhooks says.
//!
//! 1. A change leaves a message in the outbox, in its own transaction.
//! 2. [`fan_out`] takes messages, on one node each, and makes a delivery for every webhook that
//!    listens, in one transaction.
//! 3. The [`Sender`] of any node takes due deliveries for the time of a lease, sends them, and
//!    writes what became of it. What dies with its node is due again when the lease is over, so a
//!    message is sent at least once, always with the same `webhook-id`.
//!
//! Each webhook has its own few places among those that are sent at once, and those that fail have
//! fewer, so that a dead one delays no other.

mod create;
mod delete;
mod deliveries;
mod edit;
mod fan_out;
mod list;
mod rotate;
mod send;
mod sign;

use claviger_model::Problems;
use claviger_model::UnixMillis;
use claviger_model::audit::Action;
use claviger_model::ids::WebhookId;
use claviger_model::secret::Plaintext;
use claviger_model::webhooks::Webhook;
use claviger_store::{Conn, Tx, webhooks};
use serde_json::{Value, json};

pub use create::{CreateInput, Created, create};
pub use delete::delete;
pub use deliveries::{DeliveryPage, DeliveryWithAttempts, deliveries, delivery, redeliver, test};
pub use edit::{EditInput, edit};
pub use fan_out::fan_out;
pub use list::{list, show};
pub use rotate::rotate_secret;
pub use send::Sender;

use crate::access::{Signature, WebhookAccess};
use crate::app::App;
use crate::error::Error;
use crate::keys::difference;
use crate::outbound::{FetchError, check_receiver};

/// A webhook and how it does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebhookInfo {
    /// The webhook.
    pub webhook: Webhook,
    /// Since when nothing reaches it.
    pub failing_since: Option<UnixMillis>,
}

/// Whether messages may be sent there.
async fn check_url(app: &App, url: &str) -> Result<(), Problems> {
    let networks = &app.settings().webhooks.networks;
    let sentence = match check_receiver(url, networks).await {
        Ok(()) => return Ok(()),
        Err(FetchError::Address(sentence)) => sentence.to_owned(),
        Err(_) => "must be public: it leads to this machine or into a private network. The \
                   operator can allow a network with webhooks.networks"
            .to_owned(),
    };
    Err(Problems::of("url", sentence))
}

/// A webhook that the caller may manage; another one is as unknown as one that never was.
async fn find(conn: &mut Conn, access: &WebhookAccess, id: WebhookId) -> Result<Webhook, Error> {
    let found = webhooks::get(conn, id).await?;
    let found = found.filter(|webhook| access.reaches(webhook));
    found.ok_or_else(|| Error::not_found("webhook"))
}

/// What signs the messages of a webhook: a new one, and its form for the database.
fn new_secret(app: &App, id: WebhookId) -> Result<(Plaintext, Vec<u8>), Error> {
    let key = app.sources().key()?;
    let nonce = app.sources().nonce()?;
    let sealed = app
        .keyring()
        .encrypt(sign::context(id).as_bytes(), nonce, key.as_slice())
        .map_err(Error::internal)?;
    Ok((sign::shown(key.as_slice()), sealed))
}

/// Writes down that a webhook changed.
fn announce(
    tx: &mut Tx,
    app: &App,
    signature: &Signature,
    webhook: &Webhook,
    action: Action,
    changes: (Option<Value>, Option<Value>),
) -> Result<(), Error> {
    let account_id = webhook.account_id;
    let event = signature.event(app.sources(), account_id, action, webhook.id, changes)?;
    tx.outbox(&event.action, account_id, audited(webhook));
    tx.audit(event);
    Ok(())
}

/// Writes a changed webhook and tells of it; one that did not change is left as it is.
async fn write_change(
    tx: &mut Tx,
    app: &App,
    signature: &Signature,
    (before, mut after): (&Webhook, Webhook),
    action: Action,
) -> Result<Webhook, Error> {
    if *before == after {
        return Ok(after);
    }
    after.version += 1;
    webhooks::update(tx, &after).await?;
    let changes = difference(&audited(before), &audited(&after));
    announce(tx, app, signature, &after, action, changes)?;
    Ok(after)
}

/// The members of a webhook that an audit event tells of.
fn audited(webhook: &Webhook) -> Value {
    json!({
        "url": webhook.url,
        "events": webhook.events,
        "active": webhook.is_active(),
        "off_reason": webhook.off.map(|(_, why)| why.as_str()),
        "old_secret_ends_at": webhook.old_secret.as_ref().map(|(_, ends)| ends),
    })
}
