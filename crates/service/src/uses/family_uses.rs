//! Which access tokens of users were used, so that a refresh token that comes again can be judged
//! (the successor rule of `model::refresh`).
//!
//! The index notes uses beside the hot path. Every second they go to the usage database, and only
//! then they are forgotten: a use is in the index or in the table at any moment, perhaps in both. A
//! crash loses the last second.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use claviger_model::ids::FamilyId;
use claviger_store::{Db, StoreError, Tx, token_family_uses};
use claviger_verify::Verifier;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::error::Error;
use crate::propagation::Role;
use crate::sources::Sources;

/// Families that are noted in one transaction.
const WRITTEN_AT_ONCE: usize = 5_000;
const FLUSH_PERIOD: Duration = Duration::from_secs(1);
/// After which time what was used at another node is in the table: its period, and the time that
/// writing takes.
const SURELY_NOTED: Duration = Duration::from_millis(1_500);

/// Notes uses of families. Clones are the same one.
#[derive(Clone)]
pub struct FamilyUseRecorder {
    inner: Arc<Inner>,
}

struct Inner {
    verifier: Arc<Verifier>,
    sources: Sources,
    usage_db: Db,
    stopping: Notify,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// The latest generation of a family whose access token was used, at this node or at another; 0
/// when none was. Where there are other nodes, this waits until they have noted what was used
/// before now.
///
/// # Errors
/// A database does not answer.
pub(crate) async fn newest_anywhere(app: &App, family: FamilyId) -> Result<u32, Error> {
    if app.propagation().has_others().await? {
        tokio::time::sleep(SURELY_NOTED).await;
    }
    newest(app, family).await
}

/// The same as far as this node knows by now.
async fn newest(app: &App, family: FamilyId) -> Result<u32, Error> {
    // The memory first: what is not there any more is in the table.
    let here = app.verifier().index().families().newest_use(family);
    let mut reader = app.usage_db().read().await?;
    let noted = token_family_uses::newest(&mut reader, family).await?;
    Ok(here.max(noted))
}

impl FamilyUseRecorder {
    /// A recorder of what `verifier` notes; in a server a task writes it down every second.
    pub(crate) fn start(
        usage_db: Db,
        verifier: Arc<Verifier>,
        sources: Sources,
        role: Role,
    ) -> Self {
        let inner = Arc::new(Inner {
            verifier,
            sources,
            usage_db,
            stopping: Notify::new(),
            task: Mutex::default(),
        });
        if role == Role::Server {
            let task = tokio::spawn(Arc::clone(&inner).run());
            *inner.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        }
        Self { inner }
    }

    /// Ends the task and writes down what is left.
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
        if let Err(error) = self.inner.flush().await {
            tracing::warn!(%error, "the last uses of access tokens could not be noted");
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
                tracing::warn!(%error, "uses of access tokens wait: they cannot be noted now");
            }
            failing = flushed.is_err();
        }
    }

    /// Moves what was used to the database.
    async fn flush(&self) -> Result<(), StoreError> {
        let index = self.verifier.index();
        let uses = index.families().uses();
        for portion in uses.chunks(WRITTEN_AT_ONCE) {
            let rows: Arc<[(FamilyId, u32)]> = portion.into();
            let at = self.sources.now();
            self.usage_db
                .write(move |tx: &mut Tx| {
                    let rows = Arc::clone(&rows);
                    Box::pin(async move { token_family_uses::note(tx, &rows, at).await })
                })
                .await?;
            index.families().forget_uses(portion);
        }
        Ok(())
    }
}
