//! Keeping decisions beside the hot path: a bounded queue that a task writes out every second.
//!
//! Nothing here waits or grows. How many decisions are kept is budgeted: on a quiet instance all
//! of them are, under load a steady sample of the allowed ones, and a flood of bad credentials
//! fills neither the queue nor the disk.

use std::convert::Infallible;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use claviger_model::UnixMillis;
use claviger_model::limits::RateLimit;
use claviger_store::decisions::{self, StoredDecision};
use claviger_store::{Db, StoreError, Tx};
use claviger_verify::Decision;
use claviger_verify::limits::Limiter;
use crossbeam_queue::ArrayQueue;
use quick_cache::sync::Cache;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::record::DecisionRecord;
use crate::propagation::Role;

/// Decisions that may wait to be written.
const QUEUE_LENGTH: usize = 8_192;
/// Decisions written in one transaction.
const WRITTEN_AT_ONCE: usize = 500;
/// Decisions deleted in one transaction.
const PURGED_AT_ONCE: u32 = 500;
const FLUSH_PERIOD: Duration = Duration::from_secs(1);
/// Refusals of one credential that are kept: a hundred at once, then one a second.
const OF_CREDENTIAL: RateLimit = RateLimit {
    limit: 100,
    window_seconds: 100,
};
/// Credentials whose refusals are told apart.
const CREDENTIALS_REMEMBERED: usize = 10_000;

/// Keeps decisions. Clones share the queue.
#[derive(Clone)]
pub struct Recorder {
    inner: Arc<Inner>,
}

struct Inner {
    queue: ArrayQueue<StoredDecision>,
    usage_db: Db,
    budgets: Budgets,
    dropped: AtomicU64,
    /// Held from taking records off the queue until they are committed, so that whoever flushes
    /// next finds them.
    writing: tokio::sync::Mutex<()>,
    stopping: Notify,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// How many decisions of each sort may still be kept.
struct Budgets {
    allowed: Budget,
    refused: Budget,
    /// Refusals of each credential, so that one that is refused all the time leaves room for the
    /// others'.
    of_credential: Cache<String, Arc<Limiter>>,
    /// Refusals without a known credential, which anybody can cause.
    anonymous: Budget,
}

/// A number that goes down with each use and up with each second, to `most`.
struct Budget {
    left: AtomicI64,
    each_second: i64,
    most: i64,
}

impl Recorder {
    /// A recorder that writes to `usage_db`; in a server a task writes out what waits.
    pub fn start(usage_db: Db, role: Role) -> Self {
        let inner = Arc::new(Inner {
            queue: ArrayQueue::new(QUEUE_LENGTH),
            usage_db,
            budgets: Budgets::new(),
            dropped: AtomicU64::new(0),
            writing: tokio::sync::Mutex::new(()),
            stopping: Notify::new(),
            task: Mutex::default(),
        });
        if role == Role::Server {
            let task = tokio::spawn(Arc::clone(&inner).run());
            *inner.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        }
        Self { inner }
    }

    /// Whether this decision should be recorded. To be asked before a record is made of it: it
    /// costs an atomic or two, the record costs a formatting.
    pub fn wants(&self, decision: &Decision, boot_nanos: u64) -> bool {
        let budgets = &self.inner.budgets;
        if decision.is_allowed() {
            budgets.allowed.take()
        } else if let Some(entry) = &decision.credential {
            budgets.takes_of(&entry.identity().id(), boot_nanos) && budgets.refused.take()
        } else {
            budgets.anonymous.take()
        }
    }

    /// Keeps a record, unless too many wait already.
    pub fn record(&self, record: DecisionRecord) {
        if self.inner.queue.push(record.row).is_err() {
            self.inner.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many records were lost because too many waited or the database did not take them.
    pub fn dropped(&self) -> u64 {
        self.inner.dropped.load(Ordering::Relaxed)
    }

    /// Writes out what waits. When this returns, whatever was recorded before can be read.
    ///
    /// # Errors
    /// The database did not take some of it; that is lost.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.inner.flush().await
    }

    /// Ends the task and writes out what waits.
    pub async fn close(&self) {
        self.inner.stopping.notify_one();
        let task = self
            .inner
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            let _ = task.await;
        }
        if let Err(error) = self.flush().await {
            tracing::warn!(%error, "the last decisions could not be kept");
        }
    }
}

impl Inner {
    async fn run(self: Arc<Self>) {
        let mut failing = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(FLUSH_PERIOD) => {}
                () = self.stopping.notified() => return,
            }
            self.budgets.refill();
            let flushed = self.flush().await;
            if let (Err(error), false) = (&flushed, failing) {
                tracing::warn!(%error, "decisions cannot be kept at the moment");
            }
            failing = flushed.is_err();
        }
    }

    async fn flush(&self) -> Result<(), StoreError> {
        let _writing = self.writing.lock().await;
        // What is recorded meanwhile is for the next flush, or this one might never end.
        let mut waiting = self.queue.len();
        while waiting > 0 {
            let taken = waiting.min(WRITTEN_AT_ONCE);
            let rows: Arc<[StoredDecision]> = std::iter::from_fn(|| self.queue.pop())
                .take(taken)
                .collect();
            waiting -= taken;
            let count = rows.len() as u64;
            let written = self.write(rows).await;
            if written.is_err() {
                self.dropped.fetch_add(count, Ordering::Relaxed);
            }
            written?;
        }
        Ok(())
    }

    async fn write(&self, rows: Arc<[StoredDecision]>) -> Result<(), StoreError> {
        let written = self.usage_db.write(move |tx: &mut Tx| {
            let rows = Arc::clone(&rows);
            Box::pin(async move { decisions::insert_many(tx, &rows).await })
        });
        written.await.map(|_| ())
    }
}

/// Deletes decisions that were made before `before`; how many.
pub(crate) async fn purge(usage_db: &Db, before: UnixMillis) -> Result<u64, StoreError> {
    let mut purged = 0;
    loop {
        let gone = usage_db
            .write(move |tx: &mut Tx| {
                Box::pin(async move { decisions::purge_before(tx, before, PURGED_AT_ONCE).await })
            })
            .await?
            .value;
        purged += gone;
        if gone < u64::from(PURGED_AT_ONCE) {
            return Ok(purged);
        }
    }
}

impl Budgets {
    fn new() -> Self {
        Self {
            allowed: Budget::new(32, 512),
            refused: Budget::new(64, 4_096),
            of_credential: Cache::new(CREDENTIALS_REMEMBERED),
            anonymous: Budget::new(32, 2_048),
        }
    }

    fn takes_of(&self, credential: &str, boot_nanos: u64) -> bool {
        let fresh = || Ok::<_, Infallible>(Arc::new(Limiter::new(OF_CREDENTIAL)));
        match self.of_credential.get_or_insert_with(credential, fresh) {
            Ok(limiter) => limiter.take(boot_nanos).is_ok(),
            Err(never) => match never {},
        }
    }

    fn refill(&self) {
        for budget in [&self.allowed, &self.refused, &self.anonymous] {
            budget.refill();
        }
    }
}

impl Budget {
    const fn new(each_second: i64, most: i64) -> Self {
        Self {
            left: AtomicI64::new(most),
            each_second,
            most,
        }
    }

    fn take(&self) -> bool {
        // An empty budget is only looked at, so that cores do not fight over it under load.
        self.left.load(Ordering::Relaxed) > 0 && self.left.fetch_sub(1, Ordering::Relaxed) > 0
    }

    fn refill(&self) {
        let refilled = |left: i64| Some((left.max(0) + self.each_second).min(self.most));
        // It always gives a value, so it always succeeds.
        let _ = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, refilled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_credential_does_not_take_the_room_of_the_others() {
        let budgets = Budgets::new();
        let second = 1_000_000_000;
        let kept = |id: &str, at| (0..500).filter(|_| budgets.takes_of(id, at)).count();
        assert_eq!(kept("key_a", second), 100);
        assert_eq!(kept("key_b", second), 100);
        assert_eq!(kept("key_a", 4 * second), 3);
    }

    #[test]
    fn a_budget_is_spent_and_refilled_up_to_its_most() {
        let budget = Budget::new(3, 5);
        assert_eq!((0..10).filter(|_| budget.take()).count(), 5);
        budget.refill();
        assert_eq!((0..10).filter(|_| budget.take()).count(), 3);
        (0..10).for_each(|_| budget.refill());
        assert_eq!((0..10).filter(|_| budget.take()).count(), 5);
    }
}
