//! How a change reaches every node: the epoch, the follower, the nodes and their leases.
//!
//! 1. A change commits its rows, `changes` and a higher epoch in one transaction.
//! 2. Every node's follower, the writer's included, reads the epoch, re-reads the changed rows and
//!    applies them to its index.
//! 3. Only then it extends its lease, counted from when its heartbeat was sent.
//! 4. A change that takes power away returns when every registered node has applied its epoch, or
//!    when the lease of those that have not must have run out.

mod all_keys;
mod follower;
mod grants;
mod imports;
mod loader;
mod lock;
mod nodes;

use std::sync::Arc;

use claviger_store::{Db, StoreError, apis};
use claviger_verify::Verifier;

use crate::app::App;
use crate::error::Error;
use crate::settings::Settings;
use crate::signing_keys::Signer;
use crate::sources::Sources;
use follower::Follower;
pub use lock::{DataLock, LockError, Role};

/// How long a caller waits at most for a change that only gives power, in milliseconds.
const GRANT_WAIT_MILLIS: u64 = 2_000;
/// The longest lease that the configuration takes, in milliseconds.
const LEASE_MILLIS_MAX: u64 = 60_000;

/// What a change does to what credentials may do; it decides how long its caller waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Effect {
    /// It gives power: other nodes should know of it when it is shown, but need not.
    Grants,
    /// It may take power away: no node may go on as if it had not happened.
    Removes,
}

/// The propagation of changes in this process.
pub struct Propagation {
    db: Db,
    signer: Arc<Signer>,
    sources: Sources,
    lease_millis: u64,
    follower: Option<Arc<Follower>>,
    /// Held as long as this process owns a SQLite database.
    lock: Option<DataLock>,
}

/// The nodes that serve, by name: those that acknowledge what takes power away.
pub async fn node_names(app: &App) -> Result<Vec<String>, Error> {
    let found = claviger_store::nodes::list(&mut *app.read().await?).await?;
    Ok(found.into_iter().map(|node| node.id).collect())
}

impl Propagation {
    /// As a server: registers the node, loads the index and follows changes from then on. As a
    /// command: only waits for the servers that there are.
    ///
    /// What follows the changes is the verifier, and the signer beside it.
    pub(crate) async fn start(
        db: Db,
        (verifier, signer): (Arc<Verifier>, Arc<Signer>),
        sources: Sources,
        settings: &Settings,
        lock: Option<DataLock>,
        role: Role,
    ) -> Result<Self, StoreError> {
        let follower = match role {
            Role::Command => None,
            Role::Server => {
                let followers = (verifier, Arc::clone(&signer));
                let follower =
                    Follower::start(db.clone(), followers, sources.clone(), settings).await?;
                Some(follower)
            }
        };
        let lease_millis = settings.lease_millis;
        Ok(Self {
            db,
            signer,
            sources,
            lease_millis,
            follower,
            lock,
        })
    }

    /// Waits until the change of `epoch` holds everywhere.
    pub(crate) async fn settle(&self, epoch: i64, effect: Effect) {
        let limit_millis = match effect {
            Effect::Grants => GRANT_WAIT_MILLIS,
            // A node of our own that cannot apply it has no lease any more by then.
            Effect::Removes => self.lease_millis.saturating_mul(2),
        };
        if let Some(follower) = &self.follower {
            follower.wait_until_applied(epoch, limit_millis).await;
        }
        if self.is_alone() {
            return;
        }
        let own = self
            .follower
            .as_ref()
            .map(|follower| follower.incarnation());
        nodes::wait_for_others(&self.db, &self.sources, epoch, own, effect).await;
    }

    /// Which start of this process is on the list of nodes; none of a command.
    pub(crate) fn incarnation(&self) -> Option<&str> {
        self.follower.as_ref().map(|own| own.incarnation())
    }

    /// Whether other nodes are on the list, which decide on the same data.
    pub(crate) async fn has_others(&self) -> Result<bool, StoreError> {
        if self.is_alone() {
            return Ok(false);
        }
        let own = self.follower.as_ref().map(|own| own.incarnation());
        let nodes = claviger_store::nodes::list(&mut *self.db.read().await?).await?;
        Ok(nodes
            .iter()
            .any(|node| Some(node.incarnation.as_str()) != own))
    }

    /// Whether no other process can be deciding on this data: it owns the SQLite database.
    fn is_alone(&self) -> bool {
        self.lock.is_some()
    }

    /// Loads the index once, for a command that decides without following.
    pub async fn load_once(&self, verifier: &Verifier) -> Result<(), StoreError> {
        let sent = self.sources.both();
        let (index, epoch) = loader::load(&self.db, &self.signer, sent.wall).await?;
        verifier.replace_index(index);
        verifier.freshness().applied(epoch);
        // What came back from a backup decides nothing.
        if !self.db.is_sealed() {
            verifier.freshness().extend(sent);
        }
        Ok(())
    }

    /// Loads the APIs alone, for a command that looks scopes and audiences up: however many
    /// credentials there are, it decides nothing about them.
    pub async fn load_apis_once(&self, verifier: &Verifier) -> Result<(), StoreError> {
        let mut reader = self.db.read().await?;
        verifier.index().set_apis(&apis::list(&mut reader).await?);
        Ok(())
    }

    /// Ends the lease and takes the node off the list.
    pub(crate) async fn leave(&self) {
        if let Some(follower) = &self.follower {
            follower.stop().await;
        }
    }
}
