//! Deleting a client. When this returns, none of its secrets gets a token any more, and no node
//! accepts one that they got.

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::ClientId;
use claviger_store::{Tx, clients, rotations};

use super::edit::announce;
use super::{ClientWithSecrets, find};
use crate::access::KeyAccess;
use crate::app::{App, Effect};
use crate::error::Error;

/// Deletes a client of the caller's account; a second time changes nothing and succeeds too.
pub async fn delete(app: &App, access: &KeyAccess, id: ClientId) -> Result<(), Error> {
    access.for_writing()?;
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access) = (app_inside.clone(), access.clone());
        Box::pin(async move {
            clients::lock(tx, id).await?;
            let ClientWithSecrets {
                client, metadata, ..
            } = find(tx, access.account_id(), id).await?;
            let old = client.clone();
            let deleted = client.delete(app.sources().now(), access.signature().actor());
            // A repeated call waits for the change too: the first caller may have gone away.
            tx.change(Change::new(ChangeKind::Client, id));
            if deleted.version != old.version {
                clients::update(tx, &deleted).await?;
                rotations::delete(tx, id).await?;
                let (old, new) = ((&old, &metadata), (&deleted, &metadata));
                announce(
                    tx,
                    &app,
                    access.signature(),
                    (old, new),
                    Action::ClientDeleted,
                )?;
            }
            Ok::<_, Error>(())
        })
    })
    .await
}
