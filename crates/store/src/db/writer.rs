//! The one writer of SQLite: group commit.
//!
//! What waits is run in one `BEGIN IMMEDIATE` transaction, one epoch for all, one commit. A closure
//! that fails before it writes leaves nothing behind. When one fails later, everything is rolled
//! back and all of them are run again with a savepoint each, so that it is undone alone: that is
//! rare, and savepoints would cost every closure as much as a statement. What takes power away and
//! found the disk full is run again in the place that the ballast gives up.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use claviger_model::UnixMillis;
use claviger_model::changes::Change;
use claviger_model::keyring::Keyring;
use futures_core::future::BoxFuture;
use sqlx::SqlitePool;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Committed;
use super::ballast::Ballast;
use super::condition::Signs;
use super::conn::{Conn, Handle, Pending, Tx};
use super::flush::flush;
use super::job::{Class, Ending, Job, Outcome, Request, closed};
use super::journal::{self, Journal, JournalEntry};
use super::plan::Plan;
use crate::error::{Cause, StoreError};

/// How many closures may wait.
const QUEUE_LENGTH: usize = 1_024;
/// How long a caller waits for a place in the queue.
const QUEUE_PATIENCE: Duration = Duration::from_secs(5);
/// How many closures share one commit.
const BATCH_LENGTH_MAX: usize = 256;
/// After which time a batch takes no further closure, so that the first does not wait for ever.
const BATCH_TIME: Duration = Duration::from_millis(25);

/// The way to the writer task.
pub(super) struct Writer {
    urgent: mpsc::Sender<Box<dyn Job>>,
    waiting: mpsc::Sender<Box<dyn Job>>,
    stop: Arc<Notify>,
    ballast: Arc<OnceLock<Ballast>>,
    journal: Arc<OnceLock<Journal>>,
    signs: Arc<Signs>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the task on the pool's one connection.
    pub(super) fn start(pool: SqlitePool, keyring: Arc<Keyring>) -> Self {
        let (urgent, urgent_queue) = mpsc::channel(QUEUE_LENGTH);
        let (waiting, waiting_queue) = mpsc::channel(QUEUE_LENGTH);
        let stop = Arc::new(Notify::new());
        let ballast = Arc::new(OnceLock::new());
        let journal = Arc::new(OnceLock::new());
        let signs = Arc::new(Signs::default());
        let task = Batches {
            pool,
            keyring,
            urgent: urgent_queue,
            waiting: waiting_queue,
            stop: Arc::clone(&stop),
            ballast: Arc::clone(&ballast),
            journal: Arc::clone(&journal),
            signs: Arc::clone(&signs),
            conn: None,
        };
        Self {
            urgent,
            waiting,
            stop,
            ballast,
            journal,
            signs,
            task: Mutex::new(Some(tokio::spawn(task.run()))),
        }
    }

    pub(super) async fn write<T, E, F>(&self, work: F) -> Result<Committed<T>, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        submit(&self.waiting, Class::Ordinary, work).await
    }

    pub(super) async fn write_removal<T, E, F>(&self, work: F) -> Result<Committed<T>, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        submit(&self.waiting, Class::Removal, work).await
    }

    pub(super) fn keep_ballast(&self, ballast: Ballast) {
        // The first one stays.
        let _ = self.ballast.set(ballast);
    }

    pub(super) fn keep_journal(&self, journal: Journal) {
        // The first one stays.
        let _ = self.journal.set(journal);
    }

    pub(super) fn signs(&self) -> &Arc<Signs> {
        &self.signs
    }

    pub(super) fn is_full(&self) -> bool {
        self.ballast.get().is_some_and(Ballast::is_full)
    }

    pub(super) async fn write_urgent<T, E, F>(&self, work: F) -> Result<Committed<T>, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        submit(&self.urgent, Class::Urgent, work).await
    }

    /// Lets the task finish what waits and end.
    pub(super) async fn close(&self) {
        self.stop.notify_one();
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            // An error would be a panic of the task, which has then ended as well.
            let _ = task.await;
        }
    }
}

async fn submit<T, E, F>(
    queue: &mpsc::Sender<Box<dyn Job>>,
    class: Class,
    work: F,
) -> Result<Committed<T>, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
{
    let (reply, answer) = oneshot::channel();
    let request = Box::new(Request {
        work,
        class,
        plan: Plan::present(),
        result: None,
        reply,
    });
    match queue.send_timeout(request, QUEUE_PATIENCE).await {
        Ok(()) => {}
        Err(mpsc::error::SendTimeoutError::Timeout(_)) => return Err(StoreError::Busy.into()),
        Err(mpsc::error::SendTimeoutError::Closed(_)) => return Err(closed().into()),
    }
    answer.await.unwrap_or_else(|_| Err(closed().into()))
}

fn full() -> StoreError {
    StoreError::Full(Cause::new("only what takes power away is written"))
}

/// The task.
struct Batches {
    pool: SqlitePool,
    keyring: Arc<Keyring>,
    urgent: mpsc::Receiver<Box<dyn Job>>,
    waiting: mpsc::Receiver<Box<dyn Job>>,
    stop: Arc<Notify>,
    ballast: Arc<OnceLock<Ballast>>,
    journal: Arc<OnceLock<Journal>>,
    signs: Arc<Signs>,
    conn: Option<Conn>,
}

/// A closure that ran in a transaction.
struct RanJob {
    job: Box<dyn Job>,
    has_changes: bool,
    full: bool,
}

/// What the closures of a transaction recorded.
#[derive(Default)]
struct Recorded {
    pending: Pending,
    /// The changes of those that take power away.
    removed: Vec<Change>,
}

/// What shares a transaction.
struct Batch {
    /// What runs for certain, in this order.
    jobs: VecDeque<Box<dyn Job>>,
    /// Whether what waits may join.
    is_open: bool,
}

impl Batches {
    async fn run(mut self) {
        while let Some(job) = self.next().await {
            self.batch(job).await;
        }
        drop(self.conn.take());
        self.pool.close().await;
    }

    /// Waits for a closure; `None` when all are done and no more can come.
    async fn next(&mut self) -> Option<Box<dyn Job>> {
        loop {
            tokio::select! {
                biased;
                Some(job) = self.urgent.recv() => return Some(job),
                job = self.waiting.recv() => return job,
                () = self.stop.notified() => {
                    self.urgent.close();
                    self.waiting.close();
                }
            }
        }
    }

    fn try_next(&mut self) -> Option<Box<dyn Job>> {
        self.urgent
            .try_recv()
            .or_else(|_| self.waiting.try_recv())
            .ok()
    }

    /// Runs the closure and those that wait. What takes power away and found the disk full is run
    /// again as long as the ballast has place to give.
    async fn batch(&mut self, first: Box<dyn Job>) {
        let mut batch = Batch {
            jobs: VecDeque::from([first]),
            is_open: true,
        };
        loop {
            let again = self.attempt(batch).await;
            if again.is_empty() {
                return;
            }
            let ballast = self.ballast.get().cloned();
            let giving = tokio::task::spawn_blocking(move || {
                ballast.is_some_and(|ballast| ballast.give_up_part())
            });
            if !matches!(giving.await, Ok(true)) {
                answer_all(again, &full());
                return;
            }
            batch = Batch {
                jobs: again,
                is_open: false,
            };
        }
    }

    /// One transaction; what has to be run again.
    async fn attempt(&mut self, mut batch: Batch) -> VecDeque<Box<dyn Job>> {
        let mut tx = match self.begin().await {
            Ok(tx) => tx,
            Err(error) => {
                // The others would only wait in vain as long as this one has.
                let waiting = std::iter::from_fn(|| self.try_next());
                batch.jobs.extend(waiting);
                let is_full = matches!(error, StoreError::Full(_));
                if let (true, Some(ballast)) = (is_full, self.ballast.get()) {
                    ballast.note_full();
                }
                let (again, lost) = batch
                    .jobs
                    .into_iter()
                    .partition(|job| is_full && job.class() == Class::Removal);
                answer_all(lost, &error);
                return again;
            }
        };
        let mut ran = Vec::new();
        let mut outcome = match self.run_jobs(&mut tx, batch, &mut ran).await {
            Ok(recorded) => {
                tx.faults.plan = plan_of(&ran);
                self.commit(&mut tx, recorded).await
            }
            Err(error) => Err(error),
        };
        if outcome.is_err() && tx.run("ROLLBACK").await.is_err() {
            // It was rolled back already, or the connection is of no use: the next is a new one.
            tx.into_conn().discard();
        } else {
            self.conn = Some(tx.into_conn());
        }
        let found_full = ran.iter().any(|ran| ran.full);
        if outcome.is_err() && found_full {
            outcome = Err(full());
        }
        let is_lost = matches!(outcome, Err(StoreError::Full(_)));
        if let (true, Some(ballast)) = (is_lost || found_full, self.ballast.get()) {
            ballast.note_full();
        }
        let mut again = VecDeque::new();
        for RanJob {
            job,
            has_changes,
            full,
        } in ran
        {
            if (is_lost || full) && job.class() == Class::Removal {
                again.push_back(job);
                continue;
            }
            let epoch = outcome.clone();
            job.answer(epoch.map(|epoch| epoch.filter(|_| has_changes)));
        }
        again
    }

    async fn begin(&mut self) -> Result<Tx, StoreError> {
        let conn = if let Some(conn) = self.conn.take() {
            conn
        } else {
            let handle = Handle::Sqlite(self.pool.acquire().await?);
            let conn = Conn::new(handle, Arc::clone(&self.keyring));
            conn.reporting_to(Arc::clone(&self.signs))
        };
        let mut tx = Tx::new(conn.following(Plan::default()));
        match tx.run("BEGIN IMMEDIATE").await {
            Ok(()) => Ok(tx),
            Err(error) => {
                tx.into_conn().discard();
                Err(error)
            }
        }
    }

    /// Runs the closures; what they recorded together. An error means that the whole transaction is
    /// lost.
    async fn run_jobs(
        &mut self,
        tx: &mut Tx,
        mut batch: Batch,
        ran: &mut Vec<RanJob>,
    ) -> Result<Recorded, StoreError> {
        let mut time_up = std::pin::pin!(tokio::time::sleep(BATCH_TIME));
        let mut recorded = Recorded::default();
        while let Some(job) = self.next_of(&mut batch, ran.len()) {
            let mut job = RanJob::not_run(job);
            let ending = job.run(tx, &mut recorded).await;
            ran.push(job);
            if ending == (Ending::Failed { wrote: true }) {
                ran.extend(batch.jobs.drain(..).map(RanJob::not_run));
                return run_again(tx, ran).await;
            }
            let is_late = tokio::select! {
                biased;
                () = &mut time_up => true,
                () = std::future::ready(()) => false,
            };
            batch.is_open &= !is_late;
        }
        Ok(recorded)
    }

    /// Commits, and notes in the journal what takes power away.
    async fn commit(&mut self, tx: &mut Tx, recorded: Recorded) -> Result<Option<i64>, StoreError> {
        let Recorded { pending, removed } = recorded;
        let at = pending.audit.last().map_or(UnixMillis(0), |event| event.at);
        let epoch = flush(tx, pending).await?;
        let journal = self.journal.get().cloned();
        let entry: Option<JournalEntry> = match (&journal, epoch) {
            (Some(_), Some(epoch)) if !removed.is_empty() => {
                journal::entry_of(tx, removed, epoch, at).await?
            }
            _ => None,
        };
        tx.run("COMMIT").await?;
        tx.faults.plan.committed();
        // Only a commit that wrote something was brought to the disk.
        if epoch.is_some() {
            self.signs.heal();
        }
        if let (Some(journal), Some(entry)) = (journal, entry) {
            journal.note(entry, self.ballast.get().cloned()).await;
        }
        Ok(epoch)
    }

    /// The next closure of a batch. On a full disk what is ordinary is refused here: the little
    /// place that is left is for removals.
    fn next_of(&mut self, batch: &mut Batch, ran: usize) -> Option<Box<dyn Job>> {
        loop {
            let job = match batch.jobs.pop_front() {
                Some(job) => job,
                None if batch.is_open && ran < BATCH_LENGTH_MAX => self.try_next()?,
                None => return None,
            };
            let is_full = self.ballast.get().is_some_and(Ballast::is_full);
            if is_full && job.class() == Class::Ordinary {
                job.answer(Err(full()));
                continue;
            }
            return Some(job);
        }
    }
}

impl RanJob {
    /// One of which the turn did not come yet.
    fn not_run(job: Box<dyn Job>) -> Self {
        Self {
            job,
            has_changes: false,
            full: false,
        }
    }

    /// Runs it; what it recorded joins what the others did, when its work stays.
    async fn run(&mut self, tx: &mut Tx, recorded: &mut Recorded) -> Ending {
        let Outcome { ending, full } = self.job.run(tx).await;
        let pending = std::mem::take(&mut tx.pending);
        self.full = full;
        self.has_changes = ending == Ending::Stays && !pending.changes.is_empty();
        if ending == Ending::Stays {
            if self.job.class() == Class::Removal {
                recorded.removed.extend_from_slice(&pending.changes);
            }
            recorded.pending.append(pending);
        }
        ending
    }
}

/// Rolls everything back and runs the closures again, each in a savepoint.
async fn run_again(tx: &mut Tx, ran: &mut [RanJob]) -> Result<Recorded, StoreError> {
    // SQLite ends the whole transaction by itself at some errors (a full disk). Then there is none
    // to roll back, and everybody may try again.
    let begun = tx.run("ROLLBACK; BEGIN IMMEDIATE").await;
    begun.map_err(|_| gave_up())?;
    let mut recorded = Recorded::default();
    for job in ran {
        tx.run("SAVEPOINT job").await?;
        let end = match job.run(tx, &mut recorded).await {
            Ending::Stays => "RELEASE job",
            Ending::Failed { .. } => "ROLLBACK TO job; RELEASE job",
        };
        tx.run(end).await.map_err(|_| gave_up())?;
    }
    Ok(recorded)
}

fn gave_up() -> StoreError {
    StoreError::Unavailable(Cause::new("SQLite gave it up"))
}

/// What a test has fail at the end that these share.
fn plan_of(ran: &[RanJob]) -> Plan {
    let mut plans = ran.iter().map(|ran| ran.job.plan());
    let plan = plans.find(|plan| plan.is_one());
    plan.cloned().unwrap_or_default()
}

fn answer_all(jobs: impl IntoIterator<Item = Box<dyn Job>>, error: &StoreError) {
    for job in jobs {
        job.answer(Err(error.clone()));
    }
}
