//! Taking a rotation back: the older secrets stay as they were, the new one goes.

use claviger_model::audit::Action;
use claviger_model::clients::ClientSecret;
use claviger_model::ids::ClientId;
use claviger_store::{Tx, clients, rotations};

use super::{announce, audited, revoke, to_be_changed};
use crate::access::KeyAccess;
use crate::app::{App, Effect};
use crate::clients::find;
use crate::error::Error;

/// Cancels the rotation that is under way: the older secrets end when they were to end without it,
/// and the new one is revoked, with every token that it got.
///
/// # Errors
/// Unknown client, no rotation under way. Then nothing was changed.
pub async fn cancel(app: &App, access: &KeyAccess, id: ClientId) -> Result<(), Error> {
    access.for_writing()?;
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access) = (app_inside.clone(), access.clone());
        Box::pin(async move {
            let now = app.sources().now();
            clients::lock(tx, id).await?;
            let found = find(tx, access.account_id(), id).await?;
            let rotation = to_be_changed(&found, now)?;
            for secret in found.secrets.iter().filter(|secret| secret.is_live(now)) {
                let Some(old) = rotation.old(secret.id) else {
                    continue;
                };
                let restored = secret.clone().end_at(old.expires_at);
                if restored.version != secret.version {
                    clients::update_secret(tx, &restored).await?;
                }
            }
            let is_new = |secret: &&ClientSecret| secret.id == rotation.secret_id;
            let fresh = found.secrets.iter().filter(is_new);
            revoke(tx, &app, access.signature(), &found.client, fresh).await?;
            rotations::delete(tx, id).await?;
            let changes = (Some(audited(&rotation)), None);
            let action = Action::ClientRotationCancelled;
            announce(tx, &app, access.signature(), &found.client, action, changes)
        })
    })
    .await
}
