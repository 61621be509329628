//! Who connected an app.

use claviger_model::ids::ClientId;
use claviger_store::grants;

use super::find;
use crate::access::KeyAccess;
use crate::app::App;
use crate::error::Error;

/// How many users let a client of the caller's account act for them at the moment, in whatever
/// account.
///
/// # Errors
/// Unknown client.
pub async fn connected_users(app: &App, access: &KeyAccess, id: ClientId) -> Result<i64, Error> {
    let mut reader = app.read().await?;
    find(&mut reader, access.account_id(), id).await?;
    Ok(grants::users_of_client(&mut reader, id).await?)
}
