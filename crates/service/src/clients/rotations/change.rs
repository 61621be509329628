//! Another end for the older secrets of a rotation: now, later, or at another event.

use claviger_model::audit::Action;
use claviger_model::clients::ClientSecret;
use claviger_model::ids::ClientId;
use claviger_model::rotations::{OldEnds, RotationDraft};
use claviger_store::{Tx, clients, rotations};

use super::{announce, audited, end_as_planned, revoke, to_be_changed};
use crate::access::KeyAccess;
use crate::app::{App, Effect};
use crate::clients::find;
use crate::error::Error;
use crate::keys::difference;

/// Plans another end for the older secrets of the rotation that is under way. With
/// [`OldEnds::Now`] no node accepts one of them, or a token that it got, when this returns.
///
/// # Errors
/// Unknown client, no rotation under way, a plan that is not acceptable. Then nothing was changed.
pub async fn change(
    app: &App,
    access: &KeyAccess,
    id: ClientId,
    draft: &RotationDraft,
) -> Result<(), Error> {
    access.for_writing()?;
    let (_, old_ends) = draft.checked(app.sources().now())?;
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access) = (app_inside.clone(), access.clone());
        Box::pin(async move {
            let now = app.sources().now();
            clients::lock(tx, id).await?;
            let found = find(tx, access.account_id(), id).await?;
            let rotation = to_be_changed(&found, now)?;
            let before = audited(&rotation);
            let changed = rotation.replan(old_ends);
            let signature = access.signature();
            if old_ends == OldEnds::Now {
                let is_old = |secret: &&ClientSecret| changed.old(secret.id).is_some();
                let old = found.secrets.iter().filter(is_old);
                revoke(tx, &app, signature, &found.client, old).await?;
                rotations::delete(tx, id).await?;
            } else {
                rotations::update(tx, &changed).await?;
                end_as_planned(tx, &found.secrets, &changed, now).await?;
            }
            let told = difference(&before, &audited(&changed));
            let action = Action::ClientRotationChanged;
            announce(tx, &app, signature, &found.client, action, told)
        })
    })
    .await
}
