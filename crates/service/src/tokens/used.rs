//! How much of their quota clients have used.

use std::collections::HashMap;

use claviger_model::ids::ClientId;
use claviger_store::token_counts;

use super::quota::day;
use crate::app::App;
use crate::error::Error;

/// How many tokens those of the clients that have a quota got on this day in UTC; the caller has
/// been allowed to look at them. Clients that got none are left out.
///
/// # Errors
/// The store's.
pub async fn used_today(app: &App, ids: &[ClientId]) -> Result<HashMap<ClientId, i64>, Error> {
    let today = day(app.sources().now());
    Ok(token_counts::used_by(&mut *app.read().await?, ids, today).await?)
}
