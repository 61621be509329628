//! The first use of a key that was made elsewhere: our own keyed hash takes the place of the one
//! that was brought along, which is erased.
//!
//! Beside the hot path: what was seen waits in memory and is written every second, some keys in one
//! transaction. What is lost with a crash is noted again at the next use.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::credentials::{KeySecret, StoredSecret};
use claviger_model::ids::SecretId;
use claviger_model::imports::HashAlgorithm;
use claviger_model::keyring::Keyring;
use claviger_store::{Db, StoreError, Tx, imports, keys};
use claviger_verify::entries::{Credential, Identity};
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::error::Error;
use crate::propagation::Role;
use crate::signature::Signature;
use crate::sources::Sources;

/// Keys that may wait to be written.
const WAITING_MAX: usize = 10_000;
/// Keys that are written in one transaction.
const WRITTEN_AT_ONCE: usize = 70;
const FLUSH_PERIOD: Duration = Duration::from_secs(1);

/// Notes first uses of keys that were made elsewhere. Clones share what waits.
#[derive(Clone)]
pub(crate) struct Upgrader {
    inner: Arc<Inner>,
}

struct Inner {
    waiting: Mutex<HashMap<SecretId, StoredSecret>>,
    keyring: Arc<Keyring>,
    sources: Sources,
    db: Db,
    /// Held while something is written, so that nothing is written twice.
    writing: tokio::sync::Mutex<()>,
    stopping: Notify,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Upgrader {
    /// One that writes to `db`; in a server a task does so every second.
    pub(crate) fn start(db: Db, keyring: Arc<Keyring>, sources: Sources, role: Role) -> Self {
        let inner = Arc::new(Inner {
            waiting: Mutex::default(),
            keyring,
            sources,
            db,
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

    /// Notes that `credential` is the key of `entry`, if that was never seen, unless too many wait.
    pub(crate) fn note(&self, entry: &Credential, credential: &str) {
        let Identity::Key(_, secret_id) = entry.identity() else {
            return;
        };
        if entry.is_unseen() {
            self.note_secret(secret_id, || {
                StoredSecret::of_foreign(credential, &self.inner.keyring)
            });
        }
    }

    /// The same for a secret whose key was seen.
    pub(crate) fn note_secret(&self, id: SecretId, stored: impl FnOnce() -> StoredSecret) {
        let mut waiting = self.inner.waiting();
        let has_room = waiting.len() < WAITING_MAX;
        if let Place::Vacant(place) = waiting.entry(id)
            && has_room
        {
            place.insert(stored());
        }
    }

    /// Ends the task and writes what waits.
    pub(crate) async fn close(&self) {
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
            tracing::warn!(%error, "first uses of imported keys are noted at their next use");
        }
    }

    /// Writes what waits.
    pub(crate) async fn flush(&self) -> Result<(), Error> {
        self.inner.flush().await
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
                tracing::warn!(%error, "first uses of imported keys cannot be written down now");
            }
            failing = flushed.is_err();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<SecretId, StoredSecret>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn flush(&self) -> Result<(), Error> {
        let _writing = self.writing.lock().await;
        loop {
            let batch: Vec<(SecretId, StoredSecret)> = {
                let waiting = self.waiting();
                let some = waiting.iter().take(WRITTEN_AT_ONCE);
                some.map(|(id, stored)| (*id, stored.clone())).collect()
            };
            if batch.is_empty() {
                return Ok(());
            }
            self.write(&batch).await?;
            let mut waiting = self.waiting();
            batch.iter().for_each(|(id, _)| drop(waiting.remove(id)));
        }
    }

    /// Writes some; one by one where together they cannot be.
    async fn write(&self, batch: &[(SecretId, StoredSecret)]) -> Result<(), Error> {
        let Err(error) = self.write_together(batch.into()).await else {
            return Ok(());
        };
        if matches!(error, Error::Later { .. }) {
            return Err(error);
        }
        for one in batch {
            match self.write_together(Arc::new([one.clone()])).await {
                Err(error @ Error::Later { .. }) => return Err(error),
                Err(error) => {
                    let (id, cause) = (
                        one.0,
                        std::error::Error::source(&error).map(ToString::to_string),
                    );
                    tracing::warn!(%id, %error, cause, "an imported key keeps the hash of its import");
                }
                Ok(()) => {}
            }
        }
        Ok(())
    }

    async fn write_together(&self, batch: Arc<[(SecretId, StoredSecret)]>) -> Result<(), Error> {
        let sources = self.sources.clone();
        let written = self.db.write(move |tx: &mut Tx| {
            let (batch, sources) = (Arc::clone(&batch), sources.clone());
            Box::pin(async move {
                for (id, stored) in batch.iter() {
                    upgrade(tx, &sources, *id, stored).await?;
                }
                Ok::<_, Error>(())
            })
        });
        written.await.map(|_| ())
    }
}

/// Replaces the hash of one secret, unless that was done before.
async fn upgrade(
    tx: &mut Tx,
    sources: &Sources,
    id: SecretId,
    stored: &StoredSecret,
) -> Result<(), Error> {
    let Some(row) = imports::get(tx, id).await? else {
        return Ok(());
    };
    if row.hash.is_none() {
        return Ok(());
    }
    let row = row.upgraded(sources.now());
    if !imports::erase_hash(tx, &row).await? {
        return Ok(());
    }
    let secrets = keys::secrets(tx, row.key_id).await?;
    let secret = secrets.into_iter().find(|secret| secret.id == id);
    let secret = secret.ok_or_else(|| {
        Error::from(StoreError::Corrupt {
            table: "key_secrets",
            id: id.to_string(),
            what: "the secret".to_owned(),
        })
    })?;
    let hint = Some(secret.stored.hint.clone()).filter(|hint| !hint.is_empty());
    let fresh = KeySecret {
        stored: StoredSecret {
            hint: hint.unwrap_or_else(|| stored.hint.clone()),
            ..stored.clone()
        },
        version: secret.version + 1,
        ..secret
    };
    keys::update_secret(tx, &fresh).await?;
    tx.change(Change::new(ChangeKind::Key, row.key_id));
    tx.change(Change::new(ChangeKind::ImportedHash, id));
    let told = json!({ "algorithm": row.algorithm.as_str(), "external_id": row.external_id });
    let ours =
        json!({ "algorithm": HashAlgorithm::HmacSha256.as_str(), "hint": fresh.stored.hint });
    let account_id = Some(row.account_id);
    let event = Signature::of("system", None, None).event(
        sources,
        account_id,
        Action::KeyUpgraded,
        row.key_id,
        (Some(told), Some(ours.clone())),
    )?;
    tx.outbox(
        &event.action,
        account_id,
        json!({ "key_id": row.key_id, "change": ours }),
    );
    tx.audit(event);
    Ok(())
}
