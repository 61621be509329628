//! Refusals in short: the last one of each credential, and how many there were.

use std::collections::HashMap;

use claviger_model::ids::RequestId;
use claviger_model::time::DAY_MILLIS;
use claviger_model::{Environment, Reason, UnixMillis};
use claviger_store::decisions::refusals::{self, RefusalFilter};

pub use claviger_store::decisions::refusals::{RefusalGroup, RefusalsInStep};

use super::find::flush;
use crate::access::{EvidenceAccess, KeyAccess};
use crate::app::App;
use crate::error::Error;

/// The last refusal of a credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused {
    /// When.
    pub at: UnixMillis,
    /// Why.
    pub reason: Reason,
    /// Of which request.
    pub request_id: RequestId,
}

/// Which refusals are counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefusalQuery {
    /// Where this environment was asked for; none: any.
    pub environment: Option<Environment>,
    /// Of this credential, by its id.
    pub credential_id: Option<String>,
    /// From this time on.
    pub from: UnixMillis,
    /// Before this time.
    pub to: UnixMillis,
}

/// The last refusal of those of the account's credentials (keys, legacy keys and clients, by their
/// ids) that were refused lately: for as long as decisions are kept.
///
/// # Errors
/// The store's.
pub async fn last_refused(
    app: &App,
    access: &KeyAccess,
    credential_ids: &[String],
) -> Result<HashMap<String, Refused>, Error> {
    if credential_ids.is_empty() {
        return Ok(HashMap::new());
    }
    flush(app).await;
    let mut reader = app.usage_db().read().await?;
    let found = refusals::last(&mut reader, access.account_id(), credential_ids).await?;
    let refused = found.into_iter().filter_map(|last| {
        // A word of a later version says nothing to this one.
        let reason = Reason::parse(&last.reason)?;
        let refused = Refused {
            at: last.at,
            reason,
            request_id: last.request_id,
        };
        Some((last.credential_id, refused))
    });
    Ok(refused.collect())
}

/// How many refusals were kept, by what `group` says, the most first, at most `limit` groups.
///
/// # Errors
/// The store's.
pub async fn count_refusals(
    app: &App,
    access: &EvidenceAccess,
    query: &RefusalQuery,
    group: RefusalGroup,
    limit: u32,
) -> Result<Vec<(String, i64)>, Error> {
    flush(app).await;
    let mut reader = app.usage_db().read().await?;
    let filter = query.filter(access);
    Ok(refusals::count(&mut reader, &filter, group, limit).await?)
}

/// How many refusals were kept in each step of `step_millis`, by reason, the oldest first; steps
/// without any are left out.
///
/// # Errors
/// The store's.
pub async fn refusals_over_time(
    app: &App,
    access: &EvidenceAccess,
    query: &RefusalQuery,
    step_millis: i64,
) -> Result<Vec<RefusalsInStep>, Error> {
    flush(app).await;
    let mut reader = app.usage_db().read().await?;
    Ok(refusals::over_time(&mut reader, &query.filter(access), step_millis).await?)
}

/// Since when decisions are kept, at `now`.
pub fn kept_since(app: &App, now: UnixMillis) -> UnixMillis {
    now.plus_millis(-i64::from(app.settings().decisions_days) * DAY_MILLIS)
}

impl RefusalQuery {
    fn filter(&self, access: &EvidenceAccess) -> RefusalFilter {
        RefusalFilter {
            account_id: access.account_id(),
            environment: self.environment,
            credential_id: self.credential_id.clone(),
            from: self.from,
            to: self.to,
        }
    }
}
