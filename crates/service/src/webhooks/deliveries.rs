//! What was sent to a webhook, sending it again, and a message to try it with.

use claviger_model::ids::{DeliveryId, EventId, WebhookId};
use claviger_model::webhooks::{Attempt, Delivery, TEST_EVENT};
use claviger_store::{Tx, webhook_deliveries, webhooks};
use serde_json::json;

use super::fan_out::{Told, body};
use super::find;
use crate::access::WebhookAccess;
use crate::app::{App, Effect};
use crate::error::Error;

/// A delivery and what was tried.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeliveryWithAttempts {
    /// The delivery.
    pub delivery: Delivery,
    /// Its attempts, the first one first.
    pub attempts: Vec<Attempt>,
}

/// A page of deliveries, the newest first.
#[derive(Clone, Debug)]
pub struct DeliveryPage {
    /// The deliveries.
    pub deliveries: Vec<DeliveryWithAttempts>,
    /// Where the next page starts; none on the last one.
    pub next: Option<DeliveryId>,
}

/// At most `limit` deliveries to a webhook that are older than `before`.
///
/// # Errors
/// An unknown webhook.
pub async fn deliveries(
    app: &App,
    access: &WebhookAccess,
    id: WebhookId,
    before: Option<DeliveryId>,
    limit: u32,
) -> Result<DeliveryPage, Error> {
    let mut reader = app.read().await?;
    find(&mut reader, access, id).await?;
    // One more than asked for tells whether there is a next page.
    let wanted = limit.saturating_add(1);
    let mut found = webhook_deliveries::list(&mut reader, id, before, wanted).await?;
    let is_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| is_more).map(|one| one.id);
    let ids: Vec<DeliveryId> = found.iter().map(|one| one.id).collect();
    let mut attempts = webhook_deliveries::attempts(&mut reader, &ids).await?;
    let with_attempts = found.into_iter().map(|delivery| DeliveryWithAttempts {
        attempts: attempts.remove(&delivery.id).unwrap_or_default(),
        delivery,
    });
    Ok(DeliveryPage {
        deliveries: with_attempts.collect(),
        next,
    })
}

/// One delivery.
///
/// # Errors
/// An unknown webhook or delivery.
pub async fn delivery(
    app: &App,
    access: &WebhookAccess,
    id: WebhookId,
    delivery_id: DeliveryId,
) -> Result<DeliveryWithAttempts, Error> {
    let mut reader = app.read().await?;
    find(&mut reader, access, id).await?;
    let found = webhook_deliveries::get(&mut reader, id, delivery_id).await?;
    let delivery = found.ok_or_else(|| Error::not_found("delivery"))?;
    let mut attempts = webhook_deliveries::attempts(&mut reader, &[delivery_id]).await?;
    Ok(DeliveryWithAttempts {
        attempts: attempts.remove(&delivery_id).unwrap_or_default(),
        delivery,
    })
}

/// Sends a message again, now and if need be as often as a new one, whatever became of it before.
///
/// # Errors
/// An unknown webhook or delivery; a webhook that is switched off.
pub async fn redeliver(
    app: &App,
    access: &WebhookAccess,
    id: WebhookId,
    delivery_id: DeliveryId,
) -> Result<DeliveryWithAttempts, Error> {
    let (access_inside, now) = (access.clone(), app.sources().now());
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let access = access_inside.clone();
        Box::pin(async move {
            on(tx, &access, id).await?;
            if !webhook_deliveries::restart(tx, id, delivery_id, now).await? {
                return Err(Error::not_found("delivery"));
            }
            Ok(())
        })
    })
    .await?;
    delivery(app, access, id, delivery_id).await
}

/// Sends a message to try a webhook with, whatever it listens to.
///
/// # Errors
/// An unknown webhook, and one that is switched off.
pub async fn test(
    app: &App,
    access: &WebhookAccess,
    id: WebhookId,
) -> Result<DeliveryWithAttempts, Error> {
    let webhook = find(&mut *app.read().await?, access, id).await?;
    let now = app.sources().now();
    let event_id = EventId::new(now, &app.sources().id()?);
    let told = Told {
        event_type: TEST_EVENT,
        at: now,
        event_id,
        account_id: webhook.account_id,
        actor: Some(access.signature().actor()),
        target: Some(&id.to_string()),
        object: &json!({ "message": "This is a test." }),
    };
    let delivery = Delivery {
        id: DeliveryId::new(now, &app.sources().id()?),
        webhook_id: id,
        event_id,
        event_type: TEST_EVENT.to_owned(),
        body: body(&told),
        created_at: now,
        attempts: 0,
        tries: 0,
        next_at: Some(now),
        delivered_at: None,
    };
    let (access, row) = (access.clone(), delivery.clone());
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let (access, row) = (access.clone(), row.clone());
        Box::pin(async move {
            on(tx, &access, id).await?;
            Ok::<_, Error>(webhook_deliveries::insert(tx, &[row]).await?)
        })
    })
    .await?;
    Ok(DeliveryWithAttempts {
        delivery,
        attempts: Vec::new(),
    })
}

/// Refuses a webhook that is switched off.
async fn on(tx: &mut Tx, access: &WebhookAccess, id: WebhookId) -> Result<(), Error> {
    webhooks::lock(tx, id).await?;
    if find(tx, access, id).await?.is_active() {
        return Ok(());
    }
    Err(Error::conflict(
        "This webhook is switched off. Switch it on first.",
    ))
}
