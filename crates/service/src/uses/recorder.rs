//! Noting uses beside the hot path: a map in memory, added to the database every second.
//!
//! A use is in the map or in the database, never in both: the map gives up its counts when they
//! are committed, and takes them back when they could not be. A crash loses the last second; a
//! connection to PostgreSQL that is lost during a commit leaves open whether its second counts once
//! or twice.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use claviger_model::ids::{ClientId, SecretId};
use claviger_model::secret_uses::{SecretUses, shown_user_agent};
use claviger_store::secret_uses::{NewSecretUses, add_many, by_secrets};
use claviger_store::{Db, StoreError, Tx};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::SecretUse;
use crate::propagation::Role;

/// Secrets whose uses may wait to be written.
const WAITING_MAX: usize = 50_000;
/// Secrets whose uses are written in one transaction.
const WRITTEN_AT_ONCE: usize = 5_000;
/// Parts of the map, so that cores do not wait for each other.
const SHARDS: usize = 16;
const FLUSH_PERIOD: Duration = Duration::from_secs(1);

/// Notes uses of secrets. Clones share what waits.
#[derive(Clone)]
pub struct UseRecorder {
    inner: Arc<Inner>,
}

struct Inner {
    shards: [Mutex<HashMap<SecretId, Waiting>>; SHARDS],
    /// How many secrets wait, those that are being written included.
    waiting: AtomicUsize,
    dropped: AtomicU64,
    usage_db: Db,
    /// Held from taking uses out of the map until they are committed or back in it, so that
    /// whoever reads finds each of them once.
    writing: tokio::sync::Mutex<()>,
    stopping: Notify,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// Uses that are not in the database yet.
struct Waiting {
    owner_id: ClientId,
    uses: SecretUses,
}

impl UseRecorder {
    /// A recorder that adds to `usage_db`; in a server a task does so every second.
    pub fn start(usage_db: Db, role: Role) -> Self {
        let inner = Arc::new(Inner {
            shards: std::array::from_fn(|_| Mutex::default()),
            waiting: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
            usage_db,
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

    /// Notes a use, unless those of too many secrets wait already.
    pub fn note(&self, one: SecretUse<'_>) {
        let uses = match one.refused {
            None => SecretUses::one(one.at, one.ip, one.user_agent.map(shown_user_agent)),
            Some(reason) => SecretUses::one_refused(one.at, one.ip, reason),
        };
        let owner_id = one.owner_id;
        if !self.inner.add(one.secret_id, Waiting { owner_id, uses }) {
            self.inner.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many uses were not noted, because those of too many secrets waited.
    pub fn dropped(&self) -> u64 {
        self.inner.dropped.load(Ordering::Relaxed)
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
        if let Err(error) = self.inner.flush().await {
            tracing::warn!(%error, "the last uses of secrets could not be kept");
        }
    }

    /// What the database has and what waits.
    pub(super) async fn read(
        &self,
        ids: &[SecretId],
    ) -> Result<HashMap<SecretId, SecretUses>, StoreError> {
        let _writing = self.inner.writing.lock().await;
        let mut reader = self.inner.usage_db.read().await?;
        let mut found = by_secrets(&mut reader, ids).await?;
        for id in ids {
            if let Some(waiting) = self.inner.shard(*id).get(id) {
                found.entry(*id).or_default().add(waiting.uses.clone());
            }
        }
        Ok(found)
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
                tracing::warn!(%error, "uses of secrets wait: they cannot be kept at the moment");
            }
            failing = flushed.is_err();
        }
    }

    fn shard(&self, id: SecretId) -> MutexGuard<'_, HashMap<SecretId, Waiting>> {
        // The end of an id is random.
        let place = usize::from(id.0.to_le_bytes()[0]) % SHARDS;
        let shard = &self.shards[place];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to what waits; false when there is no room for another secret.
    fn add(&self, id: SecretId, new: Waiting) -> bool {
        match self.shard(id).entry(id) {
            Entry::Occupied(mut waiting) => waiting.get_mut().uses.add(new.uses),
            Entry::Vacant(place) => {
                if self.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
                    self.waiting.fetch_sub(1, Ordering::Relaxed);
                    return false;
                }
                place.insert(new);
            }
        }
        true
    }

    /// Adds what waits to the database. Not to be given up half way: what was taken out of the
    /// map would be lost.
    async fn flush(&self) -> Result<(), StoreError> {
        let _writing = self.writing.lock().await;
        let mut rows = self.take();
        while !rows.is_empty() {
            let left = rows.split_off(rows.len().min(WRITTEN_AT_ONCE));
            let batch: Arc<[NewSecretUses]> = rows.into();
            if let Err(error) = self.write(Arc::clone(&batch)).await {
                batch.iter().cloned().for_each(|row| self.put_back(row));
                left.into_iter().for_each(|row| self.put_back(row));
                return Err(error);
            }
            self.waiting.fetch_sub(batch.len(), Ordering::Relaxed);
            rows = left;
        }
        Ok(())
    }

    /// Takes everything out of the map. It still counts as waiting.
    fn take(&self) -> Vec<NewSecretUses> {
        let mut rows = Vec::new();
        for shard in &self.shards {
            let waiting =
                std::mem::take(&mut *shard.lock().unwrap_or_else(PoisonError::into_inner));
            let row = |(secret_id, waiting): (SecretId, Waiting)| NewSecretUses {
                secret_id,
                owner_id: waiting.owner_id,
                uses: waiting.uses,
            };
            rows.extend(waiting.into_iter().map(row));
        }
        rows
    }

    /// Puts back what was taken out of the map.
    fn put_back(&self, row: NewSecretUses) {
        match self.shard(row.secret_id).entry(row.secret_id) {
            Entry::Occupied(mut waiting) => {
                waiting.get_mut().uses.add(row.uses);
                self.waiting.fetch_sub(1, Ordering::Relaxed);
            }
            Entry::Vacant(place) => {
                place.insert(Waiting {
                    owner_id: row.owner_id,
                    uses: row.uses,
                });
            }
        }
    }

    async fn write(&self, rows: Arc<[NewSecretUses]>) -> Result<(), StoreError> {
        let written = self.usage_db.write(move |tx: &mut Tx| {
            let rows = Arc::clone(&rows);
            Box::pin(async move { add_many(tx, &rows).await })
        });
        written.await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use claviger_model::{Reason, UnixMillis};
    use claviger_store::testing::TestDatabase;

    use super::*;

    fn one(secret: u128, refused: Option<Reason>) -> SecretUse<'static> {
        SecretUse {
            secret_id: SecretId(secret),
            owner_id: ClientId(1),
            at: UnixMillis(5),
            ip: None,
            user_agent: None,
            refused,
        }
    }

    #[tokio::test]
    async fn what_the_database_does_not_take_waits_on() {
        for mut database in TestDatabase::all().await {
            let closed = database.usage.clone();
            let failing = UseRecorder::start(closed, Role::Command);
            (0..3).for_each(|secret| failing.note(one(secret, None)));
            database.reopen().await;
            failing.inner.flush().await.expect_err("it is closed");
            failing.note(one(2, Some(Reason::Expired)));
            failing.inner.flush().await.expect_err("it is closed");
            let waiting = failing.inner.waiting.load(Ordering::Relaxed);
            assert_eq!((waiting, failing.dropped()), (3, 0));

            // The same uses, with a database that is open again.
            let open = UseRecorder::start(database.usage.clone(), Role::Command);
            for row in failing.inner.take() {
                let waiting = Waiting {
                    owner_id: row.owner_id,
                    uses: row.uses,
                };
                assert!(open.inner.add(row.secret_id, waiting));
            }
            for _ in 0..2 {
                open.inner.flush().await.expect("it is open");
                let found = open.read(&[SecretId(1), SecretId(2)]).await;
                let found = found.expect("it is open");
                assert_eq!(found[&SecretId(1)].used, 1);
                let second = &found[&SecretId(2)];
                assert_eq!((second.used, second.refused), (1, 1));
            }
            assert_eq!(open.inner.waiting.load(Ordering::Relaxed), 0);
            database.close().await;
        }
    }

    #[tokio::test]
    async fn what_waits_is_bounded_and_those_that_wait_go_on_counting() {
        let database = TestDatabase::sqlite().await;
        let recorder = UseRecorder::start(database.usage.clone(), Role::Command);
        let most = WAITING_MAX as u128;
        (0..most + 10).for_each(|secret| recorder.note(one(secret, None)));
        assert_eq!(recorder.dropped(), 10);
        recorder.note(one(7, None));
        recorder.inner.flush().await.expect("it is open");
        recorder.note(one(most + 1, None));
        let ids = [SecretId(7), SecretId(most - 1), SecretId(most + 1)];
        let found = recorder.read(&ids).await.expect("it is open");
        assert_eq!(ids.map(|id| found[&id].used), [2, 1, 1]);
        assert_eq!(recorder.dropped(), 10);
        database.close().await;
    }
}
