//! Deleting an API. Credentials keep its scopes, which then open nothing.

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::ApiId;
use claviger_store::{Tx, apis};

use super::{audited, find};
use crate::access::OperatorAccess;
use crate::app::{App, Effect};
use crate::error::Error;

/// Deletes an API.
///
/// # Errors
/// Unknown API; the default one while there are others, because requests that name no API would
/// suddenly mean another.
pub async fn delete(app: &App, access: &OperatorAccess, id: ApiId) -> Result<(), Error> {
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access) = (app_inside.clone(), access.clone());
        Box::pin(async move {
            let api = find(tx, id).await?;
            if api.is_default && apis::count(tx).await? > 1 {
                let message = "This is the default API. Delete the others first.";
                return Err(Error::conflict(message));
            }
            apis::delete(tx, id).await?;
            tx.change(Change::new(ChangeKind::Api, id));
            let before = (Some(audited(&api)), None);
            let signature = access.signature();
            tx.audit(signature.event(app.sources(), None, Action::ApiDeleted, id, before)?);
            Ok(())
        })
    })
    .await
}
