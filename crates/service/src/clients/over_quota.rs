//! Clients that got all their tokens of the day.

use claviger_model::Environment;
use claviger_store::token_counts;
pub use claviger_store::token_counts::UsedUp;

use crate::access::KeyAccess;
use crate::app::App;
use crate::error::Error;
use crate::tokens::day;

/// Clients that are listed at most.
const AT_MOST: u32 = 50;

/// The clients of the caller's account that got all their tokens of the day, those with most first.
///
/// # Errors
/// The store's.
pub async fn over_quota(
    app: &App,
    access: &KeyAccess,
    environment: Environment,
) -> Result<Vec<UsedUp>, Error> {
    let today = day(app.sources().now());
    let default = app.settings().tokens.per_day;
    let whose = (access.account_id(), environment);
    let mut reader = app.read().await?;
    Ok(token_counts::used_up(&mut reader, whose, today, default, AT_MOST).await?)
}
