//! The end of a webhook. What was not sent to it yet never is.

use claviger_model::audit::Action;
use claviger_model::ids::WebhookId;
use claviger_store::{Tx, webhooks};

use super::{announce, audited, find};
use crate::access::WebhookAccess;
use crate::app::{App, Effect};
use crate::error::Error;

/// Deletes a webhook.
///
/// # Errors
/// An unknown webhook.
pub async fn delete(app: &App, access: &WebhookAccess, id: WebhookId) -> Result<(), Error> {
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access) = (app_inside.clone(), access.clone());
        Box::pin(async move {
            webhooks::lock(tx, id).await?;
            let webhook = find(tx, &access, id).await?;
            webhooks::delete(tx, id).await?;
            let changes = (Some(audited(&webhook)), None);
            let signature = access.signature();
            announce(
                tx,
                &app,
                signature,
                &webhook,
                Action::WebhookDeleted,
                changes,
            )
        })
    })
    .await
}
