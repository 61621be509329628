//! What went wrong with authorization requests of an app: for its owner, whom nobody else may tell.

use claviger_model::ids::{ClientId, RequestId};
use claviger_store::authorization_failures::{self, AuthorizationFailure};
use claviger_store::clients;

use super::find;
use crate::access::{EvidenceAccess, KeyAccess};
use crate::app::App;
use crate::error::Error;

/// How many are shown.
const SHOWN: u32 = 100;

/// The latest authorization requests of a client that ended on an error page, the newest first.
///
/// # Errors
/// Unknown client.
pub async fn authorization_failures(
    app: &App,
    access: &KeyAccess,
    id: ClientId,
) -> Result<Vec<AuthorizationFailure>, Error> {
    find(&mut *app.read().await?, access.account_id(), id).await?;
    let mut reader = app.usage_db().read().await?;
    Ok(authorization_failures::of_client(&mut reader, id, SHOWN).await?)
}

/// What was wrong with the authorization request of this id.
///
/// # Errors
/// None was kept, or it names another account's client: both are "no such request".
pub async fn failure_of_request(
    app: &App,
    access: &EvidenceAccess,
    id: RequestId,
) -> Result<AuthorizationFailure, Error> {
    let unknown = || Error::not_found("authorization request");
    let mut usage = app.usage_db().read().await?;
    let failure = authorization_failures::get(&mut usage, id).await?;
    let failure = failure.ok_or_else(unknown)?;
    if let Some(account_id) = access.account_id() {
        let mut reader = app.read().await?;
        let client = clients::get(&mut reader, Some(account_id), failure.client_id).await?;
        client.ok_or_else(unknown)?;
    }
    Ok(failure)
}
