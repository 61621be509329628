//! From a message in the outbox to a delivery for every webhook that listens.

use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, DeliveryId, EventId};
use claviger_model::webhooks::{Delivery, Webhook};
use claviger_store::outbox::{self, Message};
use claviger_store::{Tx, webhook_deliveries, webhooks};
use serde_json::{Value, json};

use crate::app::{App, Effect};
use crate::error::Error;
use crate::sources::Sources;

/// Messages that are taken together.
const AT_ONCE: u32 = 200;

/// What a message to a webhook tells.
pub(super) struct Told<'a> {
    pub(super) event_type: &'a str,
    pub(super) at: UnixMillis,
    pub(super) event_id: EventId,
    pub(super) account_id: Option<AccountId>,
    pub(super) actor: Option<&'a str>,
    pub(super) target: Option<&'a str>,
    pub(super) object: &'a Value,
}

/// The bytes of a message.
pub(super) fn body(told: &Told<'_>) -> String {
    let timestamp = jiff::Timestamp::from_millisecond(told.at.0).unwrap_or_default();
    json!({
        "type": told.event_type,
        "timestamp": timestamp.to_string(),
        "data": {
            "event_id": told.event_id,
            "account_id": told.account_id,
            "actor": told.actor,
            "target": told.target,
            "object": told.object,
        },
    })
    .to_string()
}

/// Takes what waits in the outbox and makes deliveries of it. Each message is taken by one node,
/// once: it is marked in the transaction that writes its deliveries.
///
/// # Errors
/// The database does not answer. What was not taken is taken the next time.
pub async fn fan_out(app: &App) -> Result<(), Error> {
    if !outbox::is_waiting(&mut *app.read().await?).await? {
        return Ok(());
    }
    loop {
        let sources = app.sources().clone();
        let taken = app.change(Effect::Grants, move |tx: &mut Tx| {
            let sources = sources.clone();
            Box::pin(async move {
                let now = sources.now();
                let messages = outbox::take(tx, now, AT_ONCE).await?;
                deliver(tx, &sources, now, &messages).await?;
                Ok::<_, Error>(messages.len())
            })
        });
        if taken.await? < AT_ONCE as usize {
            return Ok(());
        }
    }
}

async fn deliver(
    tx: &mut Tx,
    sources: &Sources,
    now: UnixMillis,
    messages: &[Message],
) -> Result<(), Error> {
    let mut accounts: Vec<AccountId> = messages.iter().filter_map(|one| one.account_id).collect();
    accounts.sort();
    accounts.dedup();
    let listening = webhooks::active_of(tx, &accounts).await?;
    let mut deliveries = Vec::new();
    for message in messages {
        let listens = |webhook: &&Webhook| {
            webhook.after_place < message.place
                && webhook.listens_to(&message.topic, message.account_id)
        };
        let mut told: Option<(EventId, String)> = None;
        for webhook in listening.iter().filter(listens) {
            if told.is_none() {
                told = Some(message_of(sources, message)?);
            }
            let Some((event_id, body)) = &told else {
                continue;
            };
            deliveries.push(Delivery {
                id: DeliveryId::new(now, &sources.id()?),
                webhook_id: webhook.id,
                event_id: *event_id,
                event_type: message.topic.clone(),
                body: body.clone(),
                created_at: now,
                attempts: 0,
                tries: 0,
                next_at: Some(now),
                delivered_at: None,
            });
        }
    }
    Ok(webhook_deliveries::insert(tx, &deliveries).await?)
}

/// The id and the bytes of a message, the same for every webhook.
fn message_of(sources: &Sources, message: &Message) -> Result<(EventId, String), Error> {
    let event_id = match message.event_id {
        Some(id) => id,
        None => EventId::new(message.at, &sources.id()?),
    };
    let body = body(&Told {
        event_type: &message.topic,
        at: message.at,
        event_id,
        account_id: message.account_id,
        actor: message.actor.as_deref(),
        target: message.target.as_deref(),
        object: &message.payload,
    });
    Ok((event_id, body))
}
