//! Looking at webhooks.

use claviger_model::ids::WebhookId;
use claviger_store::webhooks;

use super::{WebhookInfo, find};
use crate::access::WebhookAccess;
use crate::app::App;
use crate::error::Error;

/// Every webhook of the caller's account, or of the instance; the oldest first.
pub async fn list(app: &App, access: &WebhookAccess) -> Result<Vec<WebhookInfo>, Error> {
    let mut reader = app.read().await?;
    let found = webhooks::of(&mut reader, access.account_id()).await?;
    let ids: Vec<WebhookId> = found.iter().map(|webhook| webhook.id).collect();
    let mut failing = webhooks::failing(&mut reader, &ids).await?;
    let info = found.into_iter().map(|webhook| WebhookInfo {
        failing_since: failing.remove(&webhook.id),
        webhook,
    });
    Ok(info.collect())
}

/// One webhook.
///
/// # Errors
/// An unknown one.
pub async fn show(app: &App, access: &WebhookAccess, id: WebhookId) -> Result<WebhookInfo, Error> {
    let mut reader = app.read().await?;
    let webhook = find(&mut reader, access, id).await?;
    let mut failing = webhooks::failing(&mut reader, &[id]).await?;
    Ok(WebhookInfo {
        failing_since: failing.remove(&id),
        webhook,
    })
}
