//! The follower: heartbeat, epoch, changes, lease.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use claviger_store::{Db, StoreError, ledger, nodes};
use claviger_verify::Verifier;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::loader;
use super::nodes::Reaper;
use crate::backup::is_still_sealed;
use crate::settings::Settings;
use crate::signing_keys::Signer;
use crate::sources::Sources;

/// Between two heartbeats: on PostgreSQL, where notifications wake the node earlier, and on
/// SQLite, where a heartbeat is a read of the machine's own file and nothing else wakes it.
const BEAT_POSTGRES: Duration = Duration::from_secs(1);
const BEAT_SQLITE: Duration = Duration::from_millis(100);
/// Changes applied in one go.
const CHANGES_AT_ONCE: usize = 50_000;

/// Follows changes as one node.
pub(super) struct Follower {
    incarnation: String,
    wake: Notify,
    applied: watch::Sender<i64>,
    /// Epochs that this process wrote itself: nobody else waits for their acknowledgement on
    /// SQLite.
    own_epochs: Mutex<BTreeSet<i64>>,
    task: Mutex<Option<JoinHandle<()>>>,
    stopping: Notify,
}

/// What one beat needs; owned by the task.
struct Beat {
    db: Db,
    verifier: Arc<Verifier>,
    signer: Arc<Signer>,
    sources: Sources,
    node: nodes::Node,
    reaper: Reaper,
    went_backwards: bool,
}

impl Follower {
    /// Registers the node, loads the index and starts to follow.
    pub(super) async fn start(
        db: Db,
        (verifier, signer): (Arc<Verifier>, Arc<Signer>),
        sources: Sources,
        settings: &Settings,
    ) -> Result<Arc<Self>, StoreError> {
        let incarnation = sources.request_id().to_string();
        let sent = sources.both();
        let node = nodes::Node {
            // A row for each start of a process: an earlier one counts until its lease is over.
            id: format!("{}/{incarnation}", settings.node_name),
            incarnation: incarnation.clone(),
            applied_epoch: 0,
            beat: 0,
            lease_millis: i64::try_from(settings.lease_millis).unwrap_or(i64::MAX),
            started_at: sent.wall,
        };
        let mut beat = Beat {
            db: db.clone(),
            verifier,
            signer,
            sources,
            node,
            reaper: Reaper::default(),
            went_backwards: false,
        };
        let is_sealed = db.is_sealed();
        if !is_sealed {
            beat.register().await?;
        }
        let epoch = beat.reload().await?;
        let (applied, _) = watch::channel(epoch);
        let follower = Arc::new(Self {
            incarnation,
            wake: Notify::new(),
            applied,
            own_epochs: Mutex::default(),
            task: Mutex::default(),
            stopping: Notify::new(),
        });
        if !is_sealed {
            follower.beat(&mut beat).await?;
        }
        let task = tokio::spawn(Arc::clone(&follower).run(beat));
        *follower.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(follower)
    }

    pub(super) fn incarnation(&self) -> &str {
        &self.incarnation
    }

    /// Waits until this node has applied `epoch`, which this process wrote.
    pub(super) async fn wait_until_applied(&self, epoch: i64, limit_millis: u64) {
        let mut applied = self.applied.subscribe();
        if *applied.borrow_and_update() >= epoch {
            return;
        }
        self.own_epochs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(epoch);
        self.wake.notify_one();
        let reached = applied.wait_for(|applied| *applied >= epoch);
        // When the time is out the lease is too, and this node decides nothing.
        let _ = tokio::time::timeout(Duration::from_millis(limit_millis), reached).await;
    }

    /// Ends the task; it takes the node off the list.
    pub(super) async fn stop(&self) {
        self.stopping.notify_one();
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }

    async fn run(self: Arc<Self>, mut beat: Beat) {
        let period = if beat.db.is_sqlite() {
            BEAT_SQLITE
        } else {
            BEAT_POSTGRES
        };
        let mut wakeups = beat.db.listen().await.ok().flatten();
        let mut failing = false;
        loop {
            let notified = async {
                match &mut wakeups {
                    Some(wakeups) => wakeups.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.wake.notified() => {}
                () = notified => {}
                () = tokio::time::sleep(period) => {}
                () = self.stopping.notified() => break,
            }
            match self.beat(&mut beat).await {
                Ok(()) if failing => {
                    failing = false;
                    tracing::info!("the database answers again");
                }
                Ok(()) => {}
                Err(error) => {
                    if !failing {
                        tracing::error!(%error, "the heartbeat failed; the lease is running out");
                    }
                    failing = true;
                    // A database that refuses at once must not be asked in a tight loop.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        beat.verifier.freshness().end();
        if !beat.db.is_sealed() {
            beat.unregister().await;
        }
    }

    /// Looks whether a sealed database was opened; then everything is read anew.
    async fn is_sealed(&self, beat: &Beat) -> Result<bool, StoreError> {
        if !beat.db.is_sealed() {
            return Ok(false);
        }
        if is_still_sealed(&beat.db).await? {
            return Ok(true);
        }
        beat.db.unseal();
        beat.register().await?;
        let epoch = beat.reload().await?;
        self.applied.send_replace(epoch);
        tracing::info!(epoch, "the seal was taken off: this node decides again");
        Ok(false)
    }

    /// One heartbeat: send, learn the epoch, apply up to it, and only then extend the lease.
    async fn beat(&self, beat: &mut Beat) -> Result<(), StoreError> {
        if self.is_sealed(beat).await? {
            return Ok(());
        }
        if let Some(off_millis) = beat.sources.new_jump() {
            // The machine may have been paused, with its clock since boot: what was revoked
            // meanwhile is only known after this heartbeat.
            beat.verifier.freshness().end();
            beat.sources.note_jump(off_millis);
        }
        let sent = beat.sources.both();
        let before = *self.applied.borrow();
        let epoch = beat.read_epoch(before).await?;
        if epoch < before {
            beat.refuse_backwards(before, epoch);
            return Ok(());
        }
        beat.went_backwards = false;
        if epoch > before {
            beat.catch_up(before, epoch).await?;
        }
        beat.verifier.freshness().extend(sent);
        if epoch > before {
            beat.verifier.freshness().applied(epoch);
            self.applied.send_replace(epoch);
            if self.has_foreign(before, epoch) || !beat.db.is_sqlite() {
                beat.acknowledge(epoch).await?;
            }
        }
        if !beat.db.is_sqlite() {
            beat.reaper
                .look(&beat.db, &beat.sources, &beat.node.incarnation)
                .await?;
        }
        Ok(())
    }

    /// Whether an epoch after `before` and up to `epoch` was written by another process.
    fn has_foreign(&self, before: i64, epoch: i64) -> bool {
        let mut own = self
            .own_epochs
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let all_own = (before + 1..=epoch).all(|at| own.contains(&at));
        *own = own.split_off(&(epoch + 1));
        !all_own
    }
}

impl Beat {
    async fn register(&self) -> Result<(), StoreError> {
        let node = self.node.clone();
        // Whoever owns a SQLite database is its only server: what is on the list is dead.
        let alone = self.db.is_sqlite();
        self.db
            .write(move |tx| {
                let node = node.clone();
                Box::pin(async move {
                    if alone {
                        nodes::remove_all(tx).await?;
                    }
                    nodes::register(tx, &node).await
                })
            })
            .await
            .map(|_| ())
    }

    async fn unregister(&self) {
        let node = self.node.clone();
        let removed = self
            .db
            .write(move |tx| {
                let node = node.clone();
                Box::pin(async move {
                    let own = nodes::list(tx).await?.into_iter().find(|n| n.id == node.id);
                    if let Some(own) = own {
                        nodes::remove(tx, &own.id, &own.incarnation, own.beat).await?;
                    }
                    Ok(())
                })
            })
            .await;
        if let Err::<_, StoreError>(error) = removed {
            tracing::warn!(%error, "the node could not be taken off the list");
        }
    }

    /// The epoch. On PostgreSQL by a committed write on the primary, which a replica or a
    /// primary that was cut off cannot answer.
    async fn read_epoch(&mut self, applied: i64) -> Result<i64, StoreError> {
        if self.db.is_sqlite() {
            let mut reader = self.db.read_urgent().await?;
            return ledger::epoch(&mut reader).await;
        }
        if let Some(epoch) = self.heartbeat(applied).await? {
            return Ok(epoch);
        }
        // Taken off the list while asleep: register before anything is decided again.
        self.verifier.freshness().end();
        self.node.applied_epoch = applied;
        self.register().await?;
        self.heartbeat(applied).await?.ok_or(StoreError::Busy)
    }

    async fn heartbeat(&self, applied: i64) -> Result<Option<i64>, StoreError> {
        let node = self.node.clone();
        let beaten = self.db.write_urgent(move |tx| {
            let node = node.clone();
            Box::pin(
                async move { nodes::heartbeat(tx, &node.id, &node.incarnation, applied).await },
            )
        });
        beaten.await.map(|committed| committed.value)
    }

    /// Tells whoever waits that everything up to `epoch` is applied here.
    async fn acknowledge(&self, epoch: i64) -> Result<(), StoreError> {
        self.heartbeat(epoch).await.map(|_| ())
    }

    async fn catch_up(&self, before: i64, epoch: i64) -> Result<(), StoreError> {
        let (changes, floor) = {
            let mut reader = self.db.read_urgent().await?;
            let changes = ledger::changes_since(&mut reader, before).await?;
            (changes, ledger::floor(&mut reader).await?)
        };
        if floor > before || changes.len() > CHANGES_AT_ONCE {
            tracing::warn!(
                before,
                epoch,
                "too far behind to catch up: reloading everything"
            );
            self.reload().await?;
            return Ok(());
        }
        let now = self.sources.now();
        let index = self.verifier.index();
        loader::apply(&self.db, (&index, &self.signer), &changes, now).await
    }

    async fn reload(&self) -> Result<i64, StoreError> {
        let (index, epoch) = loader::load(&self.db, &self.signer, self.sources.now()).await?;
        self.verifier.replace_index(index);
        self.verifier.freshness().applied(epoch);
        Ok(epoch)
    }

    /// The epoch went backwards: the database lost writes, perhaps revocations. Nothing that it
    /// says is believed and nothing is decided until it has caught up or an operator restarts.
    fn refuse_backwards(&mut self, applied: i64, epoch: i64) {
        self.verifier.freshness().end();
        if !self.went_backwards {
            tracing::error!(
                applied,
                epoch,
                "the database's epoch went backwards: it was restored or lost writes; this node \
                 decides nothing any more"
            );
        }
        self.went_backwards = true;
    }
}
