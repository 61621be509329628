//! `/webhooks/{id}/deliveries/{delivery_id}`: one message, what was tried, and sending it again.

use askama::Template;
use claviger_model::ids::{DeliveryId, WebhookId};
use claviger_service::webhooks;

use super::show::{AttemptRow, DeliveryRow};
use super::{PATH, Whose, done, found, to_webhook};
use crate::extract::{Id, Ids};
use crate::portal::{Answer, Band, Portal, Shell, Submission};

/// A message.
#[derive(Template)]
#[template(path = "portal/delivery.html")]
struct DeliveryPage {
    frame: Shell,
    back: (String, String),
    /// Where the form that sends it again goes, with the issuer's path.
    again: Option<String>,
    row: DeliveryRow,
    attempts: Vec<AttemptRow>,
    body: String,
}

/// Shows the message.
pub async fn show(portal: Portal, Ids(id, delivery_id): Ids<WebhookId, DeliveryId>) -> Answer {
    let (access, info) = found(&portal, id).await?;
    let app = portal.web.app();
    let now = app.sources().now();
    let found = webhooks::delivery(app, &access, id, delivery_id).await?;
    let back = to_webhook(&portal, &info);
    let row = DeliveryRow::of(&back.0, &found, now);
    let attempts = found.attempts.iter();
    let json: Option<serde_json::Value> = serde_json::from_str(&found.delivery.body).ok();
    let body = json.and_then(|json| serde_json::to_string_pretty(&json).ok());
    let is_active = info.webhook.is_active();
    let again = portal.href(format!("{PATH}/{id}/deliveries/{delivery_id}/again"));
    Ok(Portal::page(DeliveryPage {
        frame: portal
            .shell(Whose::of(&info).section(), Band::Neither)
            .await?,
        back,
        again: is_active.then_some(again),
        row,
        attempts: attempts
            .map(|attempt| AttemptRow::of(attempt, now))
            .collect(),
        body: body.unwrap_or(found.delivery.body),
    }))
}

/// Sends it again.
pub async fn again(
    Ids(id, delivery_id): Ids<WebhookId, DeliveryId>,
    submission: Submission,
) -> Answer {
    let portal = &submission.portal;
    let (access, _) = found(portal, id).await?;
    webhooks::redeliver(portal.web.app(), &access, id, delivery_id).await?;
    Ok(done(portal, id, "again"))
}

/// Sends a message to try it with.
pub async fn test(Id(id): Id<WebhookId>, submission: Submission) -> Answer {
    let portal = &submission.portal;
    let (access, _) = found(portal, id).await?;
    webhooks::test(portal.web.app(), &access, id).await?;
    Ok(done(portal, id, "test"))
}
