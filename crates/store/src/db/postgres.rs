//! Transactions, pools and wake-ups on PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use claviger_model::keyring::Keyring;
use futures_core::future::BoxFuture;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use super::Committed;
use super::conn::{Conn, Handle, Tx};
use super::flush::flush;
use super::plan::Plan;
use super::work::attempt;
use crate::error::{Cause, StoreError};

const ATTEMPTS_MAX: u32 = 5;
const BACKOFF: Duration = Duration::from_millis(5);
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// The connections, apart by use so that none starves another.
pub(super) struct Pools {
    pub(super) reads: PgPool,
    pub(super) writes: PgPool,
    pub(super) urgent: PgPool,
}

impl Pools {
    pub(super) async fn close(&self) {
        self.urgent.close().await;
        self.writes.close().await;
        self.reads.close().await;
    }
}

/// One transaction, run again when the server asks for it. In a task of its own, so that it comes
/// to its end when the caller goes away.
pub(super) async fn write<T, E, F>(
    pool: PgPool,
    keyring: Arc<Keyring>,
    work: F,
) -> Result<Committed<T>, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
{
    let plan = Plan::present();
    let task = tokio::spawn(async move {
        let mut attempts = 1;
        loop {
            match transaction(&pool, &keyring, &plan, &work).await {
                Err(failure) if failure.retryable && attempts < ATTEMPTS_MAX => {
                    tokio::time::sleep(BACKOFF * attempts).await;
                    attempts += 1;
                }
                outcome => return outcome.map_err(|failure| failure.error),
            }
        }
    });
    match task.await {
        Ok(outcome) => outcome,
        Err(_) => Err(StoreError::Unavailable(Cause::new("the program is ending")).into()),
    }
}

struct Failure<E> {
    error: E,
    retryable: bool,
}

impl<E: From<StoreError>> From<StoreError> for Failure<E> {
    fn from(error: StoreError) -> Self {
        Self {
            error: error.into(),
            retryable: false,
        }
    }
}

async fn transaction<T, E, F>(
    pool: &PgPool,
    keyring: &Arc<Keyring>,
    plan: &Plan,
    work: &F,
) -> Result<Committed<T>, Failure<E>>
where
    E: From<StoreError>,
    F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, E>>,
{
    let handle = pool.acquire().await.map_err(StoreError::from)?;
    let conn = Conn::new(Handle::Postgres(handle), Arc::clone(keyring));
    let mut tx = Tx::new(conn.following(plan.clone()));
    // A connection whose transaction did not begin is not given back either.
    if let Err(error) = tx.run("BEGIN").await {
        tx.into_conn().discard();
        return Err(error.into());
    }
    let attempt = attempt(work, &mut tx).await;
    let value = match attempt.result {
        Ok(value) => value,
        Err(error) => {
            let retryable = attempt.retryable;
            roll_back(tx, attempt.cut_off).await;
            return Err(Failure { error, retryable });
        }
    };
    match finish(&mut tx).await {
        Ok(epoch) => Ok(Committed { value, epoch }),
        Err(error) => {
            let retryable = tx.faults.retryable;
            roll_back(tx, false).await;
            let error = error.into();
            Err(Failure { error, retryable })
        }
    }
}

async fn finish(tx: &mut Tx) -> Result<Option<i64>, StoreError> {
    let pending = std::mem::take(&mut tx.pending);
    let epoch = flush(tx, pending).await?;
    // The hint is delivered by the commit. It only wakes nodes early: they read the epoch anyway.
    let commit = match epoch {
        Some(_) => "NOTIFY claviger_changes; COMMIT",
        None => "COMMIT",
    };
    tx.run(commit).await?;
    tx.faults.plan.committed();
    Ok(epoch)
}

/// Ends a failed transaction. A connection on which that does not work is closed: it must not go
/// back to the pool with a transaction open.
async fn roll_back(mut tx: Tx, cut_off: bool) {
    if cut_off || tx.run("ROLLBACK").await.is_err() {
        tx.into_conn().discard();
    }
}

/// Hears that some node has committed changes. A hint: whoever waits for it reads the epoch at
/// least once a second as well.
pub struct Wakeups {
    listener: PgListener,
}

impl Wakeups {
    /// On a connection of its own: one of a shared pool would keep that from closing.
    pub(super) async fn listen(options: PgConnectOptions) -> Result<Self, StoreError> {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen("claviger_changes").await?;
        Ok(Self { listener })
    }

    /// Waits for the next hint, or for a connection that was lost: then some may have been missed.
    pub async fn next(&mut self) {
        if self.listener.try_recv().await.is_err() {
            // The server is away; the next call connects again.
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
        while self.listener.next_buffered().is_some() {}
    }
}
