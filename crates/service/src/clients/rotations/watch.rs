//! Noticing that the new secret of a rotation was used: from then on the grace of the older ones
//! counts. What is noticed is a row, so that it survives a restart and is noticed once.

use claviger_model::UnixMillis;
use claviger_model::audit::Action;
use claviger_model::ids::{ClientId, SecretId};
use claviger_model::rotations::Rotation;
use claviger_store::{Tx, clients, rotations};
use std::collections::HashMap;
use std::sync::Arc;

use super::{announce, audited, end_as_planned};
use crate::access::Signature;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::keys::difference;
use crate::uses::{self, SecretUses};

/// Rotations that are looked at together.
const AT_ONCE: u32 = 200;

/// Looks whether new secrets of rotations were used, and plans the end of the older ones by that.
/// Nodes that notice the same write it once.
///
/// # Errors
/// A database does not answer. What could not be noted is logged and noticed again.
pub async fn watch(app: &App) -> Result<(), Error> {
    let mut after = None;
    loop {
        let waiting = rotations::waiting(&mut *app.read().await?, after, AT_ONCE).await?;
        let Some(last) = waiting.last().map(|rotation| rotation.client_id) else {
            return Ok(());
        };
        let of = |rotation: &Rotation| {
            let old = rotation.old.iter().map(|old| old.id);
            old.chain([rotation.secret_id]).collect::<Vec<_>>()
        };
        let ids: Vec<SecretId> = waiting.iter().flat_map(of).collect();
        let uses = Arc::new(uses::of(app, &ids).await?);
        for rotation in &waiting {
            let used_at = uses.get(&rotation.secret_id);
            if let Some(at) = used_at.and_then(|uses| uses.last_used_at) {
                let client_id = rotation.client_id;
                // One that cannot be noted keeps none of the others waiting.
                if let Err(error) = note(app, client_id, at, Arc::clone(&uses)).await {
                    tracing::error!(%error, %client_id, "the first use of a secret is not noted");
                }
            }
        }
        after = Some(last);
    }
}

async fn note(
    app: &App,
    id: ClientId,
    at: UnixMillis,
    uses: Arc<HashMap<SecretId, SecretUses>>,
) -> Result<(), Error> {
    let app_inside = app.clone();
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, uses) = (app_inside.clone(), Arc::clone(&uses));
        Box::pin(async move {
            clients::lock(tx, id).await?;
            let Some(rotation) = rotations::get(tx, id).await? else {
                return Ok(());
            };
            let client = clients::get(tx, None, id).await?;
            let Some(client) = client.filter(|client| !client.is_deleted()) else {
                rotations::delete(tx, id).await?;
                return Ok(());
            };
            let count = |secret: SecretId| uses.get(&secret).map_or(0, |uses| uses.used);
            let noted = rotation.clone().begin_grace(at, count);
            if noted.version == rotation.version {
                return Ok(());
            }
            rotations::update(tx, &noted).await?;
            let secrets = clients::secrets(tx, id).await?;
            end_as_planned(tx, &secrets, &noted, app.sources().now()).await?;
            let changes = difference(&audited(&rotation), &audited(&noted));
            let system = Signature::of("system", None, None);
            let action = Action::ClientRotationFirstUse;
            announce(tx, &app, &system, &client, action, changes)
        })
    })
    .await
}
