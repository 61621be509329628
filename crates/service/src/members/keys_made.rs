//! What members made, which stays when they leave.

use std::collections::HashMap;

use claviger_model::ids::UserId;
use claviger_store::credential_counts;

use crate::access::TeamAccess;
use crate::app::App;
use crate::error::Error;

/// How many API keys of the account each of the users made that are not revoked; users without
/// one are left out.
pub async fn keys_made(
    app: &App,
    access: &TeamAccess,
    users: &[UserId],
) -> Result<HashMap<UserId, i64>, Error> {
    let mut reader = app.read().await?;
    let counted = credential_counts::keys_by_maker(&mut reader, access.account_id(), users).await?;
    Ok(counted.into_iter().collect())
}
