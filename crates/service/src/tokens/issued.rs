//! How many tokens clients got. Only clients with a quota are counted.

use claviger_model::ids::ClientId;
use claviger_model::time::DAY_MILLIS;
use claviger_model::{Environment, UnixMillis};
use claviger_store::token_counts;

use super::quota::day;
use crate::access::EvidenceAccess;
use crate::app::App;
use crate::error::Error;

/// Tokens that a client with a quota got on a day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IssuedOnDay {
    /// The client.
    pub client_id: ClientId,
    /// What it is called.
    pub client_name: String,
    /// When the day begins, in UTC.
    pub day: UnixMillis,
    /// How many.
    pub count: i64,
}

/// The tokens that clients with a quota got since the day of `from`, the latest day first and on
/// each the client with most; `limit` rows at most.
///
/// # Errors
/// The store's.
pub async fn issued_since(
    app: &App,
    access: &EvidenceAccess,
    environment: Option<Environment>,
    from: UnixMillis,
    limit: u32,
) -> Result<Vec<IssuedOnDay>, Error> {
    let mut reader = app.read().await?;
    let (account, from) = (access.account_id(), day(from));
    let found = token_counts::since(&mut reader, account, environment, from, limit).await?;
    let issued = found.into_iter().map(|one| IssuedOnDay {
        client_id: one.client_id,
        client_name: one.client_name,
        day: UnixMillis(one.day * DAY_MILLIS),
        count: one.used,
    });
    Ok(issued.collect())
}
