//! A new signing secret. The one before signs too for a day, so that receivers change over in
//! their own time.

use claviger_model::audit::Action;
use claviger_model::ids::WebhookId;
use claviger_model::secret::Plaintext;
use claviger_model::webhooks::Webhook;
use claviger_store::{Tx, webhooks};

use super::{find, new_secret, write_change};
use crate::access::WebhookAccess;
use crate::app::{App, Effect};
use crate::error::Error;

/// Gives a webhook a new signing secret, which is shown now and never again.
///
/// # Errors
/// An unknown webhook.
pub async fn rotate_secret(
    app: &App,
    access: &WebhookAccess,
    id: WebhookId,
) -> Result<(Webhook, Plaintext), Error> {
    let (secret, sealed) = new_secret(app, id)?;
    let (app_inside, access) = (app.clone(), access.clone());
    let webhook = app
        .change(Effect::Grants, move |tx: &mut Tx| {
            let (app, access, sealed) = (app_inside.clone(), access.clone(), sealed.clone());
            Box::pin(async move {
                webhooks::lock(tx, id).await?;
                let before = find(tx, &access, id).await?;
                let after = before.clone().with_secret(sealed, app.sources().now());
                let action = Action::WebhookSecretRotated;
                write_change(tx, &app, access.signature(), (&before, after), action).await
            })
        })
        .await?;
    Ok((webhook, secret))
}
