//! Keeping what was wrong with authorization requests that ended on a page of ours, so that the
//! app's owner can find out. Anybody can send such requests, so what is kept is bounded.

use std::convert::Infallible;
use std::sync::Arc;

use claviger_model::ids::{ClientId, RequestId};
use claviger_model::limits::RateLimit;
use claviger_model::time::UnixMillis;
use claviger_store::authorization_failures::{self, AuthorizationFailure};
use claviger_store::{Db, Tx};
use claviger_verify::limits::Limiter;
use quick_cache::sync::Cache;

use super::error::PageProblem;
use crate::app::App;
use crate::error::Error;

/// Clients that are remembered.
const REMEMBERED: usize = 2_000;
/// Failures of one client that are kept.
const KEPT: RateLimit = RateLimit {
    limit: 20,
    window_seconds: 60,
};
/// Rows deleted in one transaction.
const ROWS_AT_ONCE: u32 = 500;

/// How many failures of each client were kept of late.
pub(crate) struct FailureLimits {
    limiters: Cache<ClientId, Arc<Limiter>>,
}

impl FailureLimits {
    pub(crate) fn new() -> Self {
        Self {
            limiters: Cache::new(REMEMBERED),
        }
    }

    /// Whether one more failure of this client is kept.
    fn take(&self, client: ClientId, boot_nanos: u64) -> bool {
        let fresh = || Ok::<_, Infallible>(Arc::new(Limiter::new(KEPT)));
        match self.limiters.get_or_insert_with(&client, fresh) {
            Ok(limiter) => limiter.take(boot_nanos).is_ok(),
            Err(never) => match never {},
        }
    }
}

/// Keeps a failure of a request that names an app. That it cannot be kept costs evidence, not
/// function, and is only logged.
pub async fn note_failure(app: &App, problem: &PageProblem, request_id: RequestId) {
    let Some(client) = &problem.client else {
        return;
    };
    let now = app.sources().both();
    if !app.authorization_failures().take(client.id, now.boot_nanos) {
        return;
    }
    let failure = AuthorizationFailure {
        request_id,
        at: now.wall,
        client_id: client.id,
        told: problem.told().to_owned(),
    };
    let written = app.usage_db().write(move |tx: &mut Tx| {
        let failure = failure.clone();
        Box::pin(async move { Ok::<_, Error>(authorization_failures::insert(tx, &failure).await?) })
    });
    if let Err(error) = written.await {
        tracing::warn!(%error, "a failed authorization request could not be kept");
    }
}

/// Forgets failures that are older than `before`.
pub(crate) async fn purge(db: &Db, before: UnixMillis) -> Result<(), Error> {
    loop {
        let deleted = db.write(move |tx: &mut Tx| {
            let deleted = authorization_failures::delete_before(tx, before, ROWS_AT_ONCE);
            Box::pin(async move { Ok::<_, Error>(deleted.await?) })
        });
        if deleted.await?.value < u64::from(ROWS_AT_ONCE) {
            return Ok(());
        }
    }
}
