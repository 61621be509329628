//! The one writer of SQLite: group commit.
//!
//! What waits is run in one `BEGIN IMMEDIATE` transaction, one epoch for all, one commit. A closure
//! that fails before it writes leaves nothing behind. When one fails later, everything is rolled
//! back and all of them are run again with a savepoint each, so that it is undone alone: that is
//! rare, and savepoints would cost every closure as much as a statement.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use claviger_model::keyring::Keyring;
use futures_core::future::BoxFuture;
use sqlx::SqlitePool;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Committed;
use super::conn::{Conn, Handle, Pending, Tx};
use super::flush::flush;
use super::plan::Plan;
use super::work::attempt;
use crate::error::{Cause, StoreError};

/// How many closures may wait.
const QUEUE_LENGTH: usize = 1_024;
/// How long a caller waits for a place in the queue.
const QUEUE_PATIENCE: Duration = Duration::from_secs(5);
/// How many closures share one commit.
const BATCH_LENGTH_MAX: usize = 256;
/// After which time a batch takes no further closure, so that the first does not wait for ever.
const BATCH_TIME: Duration = Duration::from_millis(25);

type Reply<T, E> = oneshot::Sender<Result<Committed<T>, E>>;

/// The way to the writer task.
pub(super) struct Writer {
    urgent: mpsc::Sender<Box<dyn Job>>,
    waiting: mpsc::Sender<Box<dyn Job>>,
    stop: Arc<Notify>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// A closure with its caller, whatever their types.
trait Job: Send {
    /// What a test has fail of it.
    fn plan(&self) -> &Plan;

    /// Runs it, again if need be.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, Ending>;

    /// Answers after the commit, with the epoch when it recorded changes, or with the error that
    /// befell all of the batch.
    fn answer(self: Box<Self>, outcome: Result<Option<i64>, StoreError>);
}

/// How a closure ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Its work stays.
    Stays,
    /// It failed, and may have written something by then.
    Failed { wrote: bool },
}

struct Request<T, E, F> {
    work: F,
    plan: Plan,
    result: Option<Result<T, E>>,
    reply: Reply<T, E>,
}

impl Writer {
    /// Starts the task on the pool's one connection.
    pub(super) fn start(pool: SqlitePool, keyring: Arc<Keyring>) -> Self {
        let (urgent, urgent_queue) = mpsc::channel(QUEUE_LENGTH);
        let (waiting, waiting_queue) = mpsc::channel(QUEUE_LENGTH);
        let stop = Arc::new(Notify::new());
        let task = Batches {
            pool,
            keyring,
            urgent: urgent_queue,
            waiting: waiting_queue,
            stop: Arc::clone(&stop),
            conn: None,
        };
        Self {
            urgent,
            waiting,
            stop,
            task: Mutex::new(Some(tokio::spawn(task.run()))),
        }
    }

    pub(super) async fn write<T, E, F>(&self, work: F) -> Result<Committed<T>, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        submit(&self.waiting, work).await
    }

    pub(super) async fn write_urgent<T, E, F>(&self, work: F) -> Result<Committed<T>, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        submit(&self.urgent, work).await
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

async fn submit<T, E, F>(queue: &mpsc::Sender<Box<dyn Job>>, work: F) -> Result<Committed<T>, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
{
    let (reply, answer) = oneshot::channel();
    let request = Box::new(Request {
        work,
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

fn closed() -> StoreError {
    StoreError::Unavailable(Cause::new("its writer has ended"))
}

impl<T, E, F> Job for Request<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync,
{
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, Ending> {
        tx.faults.plan = self.plan.clone();
        Box::pin(async move {
            let attempt = attempt(&self.work, tx).await;
            let wrote = attempt.wrote;
            let ending = match attempt.result {
                Ok(_) => Ending::Stays,
                Err(_) => Ending::Failed { wrote },
            };
            self.result = Some(attempt.result);
            ending
        })
    }

    fn answer(self: Box<Self>, outcome: Result<Option<i64>, StoreError>) {
        let answer = match (outcome, self.result) {
            (Ok(epoch), Some(result)) => result.map(|value| Committed { value, epoch }),
            // What it saw of the others in its batch is undone too, so this goes for failures.
            (Err(error), _) => Err(error.into()),
            (Ok(_), None) => Err(closed().into()),
        };
        // The caller may have gone away.
        let _ = self.reply.send(answer);
    }
}

/// The task.
struct Batches {
    pool: SqlitePool,
    keyring: Arc<Keyring>,
    urgent: mpsc::Receiver<Box<dyn Job>>,
    waiting: mpsc::Receiver<Box<dyn Job>>,
    stop: Arc<Notify>,
    conn: Option<Conn>,
}

/// What ran in a transaction, each with whether it recorded changes.
type Ran = Vec<(Box<dyn Job>, bool)>;

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

    async fn batch(&mut self, first: Box<dyn Job>) {
        let mut tx = match self.begin().await {
            Ok(tx) => tx,
            Err(error) => {
                // The others would only wait in vain as long as this one has.
                let waiting = std::iter::from_fn(|| self.try_next());
                for job in std::iter::once(first).chain(waiting) {
                    job.answer(Err(error.clone()));
                }
                return;
            }
        };
        let mut ran = Vec::new();
        let outcome = match self.run_jobs(&mut tx, first, &mut ran).await {
            Ok(pending) => {
                tx.faults.plan = plan_of(&ran);
                commit(&mut tx, pending).await
            }
            Err(error) => Err(error),
        };
        if outcome.is_err() && tx.run("ROLLBACK").await.is_err() {
            // It was rolled back already, or the connection is of no use: the next is a new one.
            tx.into_conn().discard();
        } else {
            self.conn = Some(tx.into_conn());
        }
        for (job, has_changes) in ran {
            let epoch = outcome.clone();
            job.answer(epoch.map(|epoch| epoch.filter(|_| has_changes)));
        }
    }

    async fn begin(&mut self) -> Result<Tx, StoreError> {
        let conn = if let Some(conn) = self.conn.take() {
            conn
        } else {
            let handle = Handle::Sqlite(self.pool.acquire().await?);
            Conn::new(handle, Arc::clone(&self.keyring))
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

    /// Runs the first closure and those that wait; what they recorded together. An error means that
    /// the whole transaction is lost.
    async fn run_jobs(
        &mut self,
        tx: &mut Tx,
        first: Box<dyn Job>,
        ran: &mut Ran,
    ) -> Result<Pending, StoreError> {
        let mut time_up = std::pin::pin!(tokio::time::sleep(BATCH_TIME));
        let mut recorded = Pending::default();
        let mut job = first;
        loop {
            let ending = job.run(tx).await;
            let has_changes = keep(ending, tx, &mut recorded);
            ran.push((job, has_changes));
            if ending == (Ending::Failed { wrote: true }) {
                return run_again(tx, ran).await;
            }
            let is_late = tokio::select! {
                biased;
                () = &mut time_up => true,
                () = std::future::ready(()) => false,
            };
            if is_late || ran.len() >= BATCH_LENGTH_MAX {
                return Ok(recorded);
            }
            let Some(next) = self.try_next() else {
                return Ok(recorded);
            };
            job = next;
        }
    }
}

/// Whether a closure that ran has changes that stay; what it recorded joins what the others did.
fn keep(ending: Ending, tx: &mut Tx, recorded: &mut Pending) -> bool {
    let pending = std::mem::take(&mut tx.pending);
    let has_changes = ending == Ending::Stays && !pending.changes.is_empty();
    if ending == Ending::Stays {
        recorded.append(pending);
    }
    has_changes
}

/// Rolls everything back and runs the closures again, each in a savepoint.
async fn run_again(tx: &mut Tx, ran: &mut Ran) -> Result<Pending, StoreError> {
    // SQLite ends the whole transaction by itself at some errors (a full disk). Then there is none
    // to roll back, and everybody may try again.
    let begun = tx.run("ROLLBACK; BEGIN IMMEDIATE").await;
    begun.map_err(|_| gave_up())?;
    let mut recorded = Pending::default();
    for (job, has_changes) in ran {
        tx.run("SAVEPOINT job").await?;
        let ending = job.run(tx).await;
        *has_changes = keep(ending, tx, &mut recorded);
        let end = match ending {
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
fn plan_of(ran: &Ran) -> Plan {
    let mut plans = ran.iter().map(|(job, _)| job.plan());
    let plan = plans.find(|plan| plan.is_one());
    plan.cloned().unwrap_or_default()
}

async fn commit(tx: &mut Tx, recorded: Pending) -> Result<Option<i64>, StoreError> {
    let epoch = flush(tx, recorded).await?;
    tx.run("COMMIT").await?;
    tx.faults.plan.committed();
    Ok(epoch)
}
