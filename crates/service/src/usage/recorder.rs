//! Counting beside the hot path: counters in memory, written to the usage database every second.
//!
//! What is written goes in numbered portions, and the number is noted in the transaction that
//! writes the portion. One whose commit is in doubt is sent again, and does nothing if it was
//! written: nothing is counted twice. A crash loses the last second.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use claviger_model::UnixMillis;
use claviger_model::ids::SecretId;
use claviger_model::usage::Step;
use claviger_store::{Db, StoreError, Tx, secret_uses, usage};
use claviger_verify::Decision;
use claviger_verify::entries::ClientEntry;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::portion::{Portion, portions};
use super::slots::{Event, Found, Slots, Where};
use crate::propagation::Role;
use crate::sources::Sources;
use crate::uses::SecretUse;

const FLUSH_PERIOD: Duration = Duration::from_secs(1);
/// Series that are remembered as written.
const KNOWN_MAX: usize = 500_000;

/// Counts requests. Clones are the same one.
#[derive(Clone)]
pub struct UsageRecorder {
    inner: Arc<Inner>,
}

struct Inner {
    slots: Slots,
    usage_db: Db,
    sources: Sources,
    /// Held from taking counts out of memory until they are committed, so that whoever flushes
    /// next finds them.
    writing: tokio::sync::Mutex<Writing>,
    stopping: Notify,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What is being written.
struct Writing {
    /// By which name the database knows this process. Nobody else has it.
    writer: String,
    /// The number of the last portion that was made.
    last: i64,
    /// What was taken out of memory and is not known to be written.
    waiting: VecDeque<Arc<Portion>>,
    /// The series that were written on this day.
    known: HashSet<i64>,
    day: i64,
}

impl UsageRecorder {
    /// A recorder that adds to `usage_db`; in a server a task does so every second.
    pub fn start(usage_db: Db, sources: Sources, role: Role) -> Self {
        let writing = Writing {
            writer: sources.request_id().to_string(),
            last: 0,
            waiting: VecDeque::new(),
            known: HashSet::new(),
            day: 0,
        };
        let inner = Arc::new(Inner {
            slots: Slots::default(),
            usage_db,
            sources,
            writing: tokio::sync::Mutex::new(writing),
            stopping: Notify::new(),
            task: Mutex::default(),
        });
        if role == Role::Server {
            let task = tokio::spawn(Arc::clone(&inner).run());
            *inner.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        }
        Self { inner }
    }

    /// Counts a decision. `asked` are the scopes that were asked for beside the route's.
    pub fn decided(&self, decision: &Decision, asked: &[&str], seen: Where<'_>) {
        let entry = decision.credential.as_ref();
        let found = Found {
            entry,
            client: None,
            owner: None,
            secret: None,
            api: decision.api.as_ref(),
            route: decision.route,
            environment: decision.environment,
            event: Event::Decided(decision.reason),
            asked,
        };
        self.inner.slots.add(&found, seen);
    }

    /// Notes that a client's secret was used, or matched and was refused.
    pub fn secret_used(&self, one: SecretUse<'_>) {
        let found = Found {
            owner: Some(one.owner_id),
            secret: Some(one.secret_id),
            ..Found::of(one.refused.map_or(Event::SecretUsed, Event::SecretRefused))
        };
        let seen = Where {
            at: one.at,
            ip: one.ip,
            user_agent: one.user_agent,
        };
        self.inner.slots.add(&found, seen);
    }

    /// Counts a token that a client got with a secret, or without one.
    pub fn token_issued(
        &self,
        client: &Arc<ClientEntry>,
        secret: Option<SecretId>,
        at: UnixMillis,
    ) {
        let found = Found {
            client: Some(client),
            secret,
            environment: client.environment,
            ..Found::of(Event::TokenIssued)
        };
        let seen = Where {
            at,
            ip: None,
            user_agent: None,
        };
        self.inner.slots.add(&found, seen);
    }

    /// How many requests were not counted, because too many counters were open.
    pub fn dropped(&self) -> u64 {
        self.inner.slots.dropped()
    }

    /// Writes out what was counted. When this returns, whatever was counted before can be read.
    ///
    /// # Errors
    /// The database does not answer; what was counted waits.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.inner.flush().await
    }

    /// Ends the task and writes out what was counted.
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
            tracing::warn!(%error, "the last counts of requests could not be kept");
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
            let flushed = self.flush().await;
            if let (Err(error), false) = (&flushed, failing) {
                tracing::warn!(%error, "counts of requests wait: they cannot be kept now");
            }
            failing = flushed.is_err();
        }
    }

    /// Adds to the database what was taken before, and then what is in memory. While the former
    /// cannot be added, the latter stays where it is.
    async fn flush(&self) -> Result<(), StoreError> {
        let mut writing = self.writing.lock().await;
        let now = self.sources.now();
        writing.write_waiting(&self.usage_db, now).await?;
        writing.begin_day(Step::Day.number(now));
        let taken = self.slots.take();
        for portion in portions(taken, &writing.known) {
            writing.last += 1;
            let number = writing.last;
            writing
                .waiting
                .push_back(Arc::new(Portion { number, ..portion }));
        }
        writing.write_waiting(&self.usage_db, now).await
    }
}

impl Writing {
    /// Forgets which series were written, so that one which was purged since is made again.
    fn begin_day(&mut self, day: i64) {
        if self.day != day || self.known.len() > KNOWN_MAX {
            self.known.clear();
            self.day = day;
        }
    }

    /// Not to be given up half way: it only is when the process ends.
    async fn write_waiting(&mut self, usage_db: &Db, at: UnixMillis) -> Result<(), StoreError> {
        while let Some(portion) = self.waiting.front() {
            write(usage_db, self.writer.clone(), Arc::clone(portion), at).await?;
            self.known
                .extend(portion.series.iter().map(|(number, _)| *number));
            self.waiting.pop_front();
        }
        Ok(())
    }
}

async fn write(
    usage_db: &Db,
    writer: String,
    portion: Arc<Portion>,
    at: UnixMillis,
) -> Result<(), StoreError> {
    let written = usage_db.write(move |tx: &mut Tx| {
        let (writer, portion) = (writer.clone(), Arc::clone(&portion));
        Box::pin(async move {
            if !usage::claim_portion(tx, &writer, portion.number, at).await? {
                return Ok(());
            }
            if !portion.series.is_empty() {
                usage::add_series(tx, &portion.series, at).await?;
            }
            if !portion.counts.is_empty() {
                usage::add_counts(tx, &portion.counts).await?;
            }
            if !portion.uses.is_empty() {
                secret_uses::add_many(tx, &portion.uses).await?;
            }
            Ok(())
        })
    });
    written.await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use claviger_model::Environment;
    use claviger_model::ids::ClientId;
    use claviger_model::usage::Steps;
    use claviger_store::testing::TestDatabase;
    use claviger_store::usage::{Of, by_series};

    use super::*;

    fn recorder(usage_db: &Db) -> UsageRecorder {
        let sources = Sources::system().expect("this machine has a random generator");
        UsageRecorder::start(usage_db.clone(), sources, Role::Command)
    }

    fn used(recorder: &UsageRecorder) {
        recorder.secret_used(SecretUse {
            secret_id: SecretId(1),
            owner_id: ClientId(1),
            at: UnixMillis(5),
            ip: None,
            user_agent: None,
            refused: None,
        });
    }

    /// Nobody is known to have asked for it.
    fn asked(recorder: &UsageRecorder) {
        let event = Event::Decided(claviger_model::Reason::CredentialMissing);
        let seen = Where {
            at: UnixMillis(5),
            ip: None,
            user_agent: None,
        };
        recorder.inner.slots.add(&Found::of(event), seen);
    }

    async fn counted(usage_db: &Db) -> (i64, i64) {
        let mut reader = usage_db.read().await.expect("it is open");
        let uses = secret_uses::by_secrets(&mut reader, &[SecretId(1)]).await;
        let uses = uses.expect("it is open");
        let day = Steps {
            step: Step::Day,
            from: 0,
            to: 1,
        };
        let of = Of {
            environment: Some(Environment::Live),
            ..Of::default()
        };
        let series = by_series(&mut reader, &of, day).await.expect("it is open");
        let requests = series.iter().map(|(_, count)| count).sum();
        (uses.get(&SecretId(1)).map_or(0, |uses| uses.used), requests)
    }

    #[tokio::test]
    async fn what_the_database_does_not_take_waits_on_and_is_added_once() {
        for mut database in TestDatabase::all().await {
            let failing = recorder(&database.usage.clone());
            (0..3).for_each(|_| used(&failing));
            asked(&failing);
            database.reopen().await;
            failing.flush().await.expect_err("it is closed");
            used(&failing);
            asked(&failing);
            failing.flush().await.expect_err("it is closed");

            // The same process, with a database that is open again.
            let open = recorder(&database.usage);
            let mut from = failing.inner.writing.lock().await;
            let waiting = std::mem::take(&mut from.waiting);
            let mut into = open.inner.writing.lock().await;
            into.writer.clone_from(&from.writer);
            (into.last, into.waiting) = (from.last, waiting.clone());
            drop((from, into));
            used(&open);
            asked(&open);
            open.flush().await.expect("it is open");
            assert_eq!(counted(&database.usage).await, (4, 2));

            // A commit whose answer was lost is sent again.
            open.inner.writing.lock().await.waiting = waiting;
            open.flush().await.expect("it is open");
            assert_eq!(counted(&database.usage).await, (4, 2));
            database.close().await;
        }
    }
}
