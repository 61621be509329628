//! Waiting for the other nodes, and taking the dead ones off the list.

use std::collections::HashMap;
use std::time::Duration;

use claviger_store::{Db, StoreError, nodes};

use super::{Effect, GRANT_WAIT_MILLIS, LEASE_MILLIS_MAX};
use crate::sources::Sources;

/// Between two looks at the list of nodes, at first and at most.
const POLL_MILLIS: (u64, u64) = (2, 50);

/// Waits until every other registered node has applied `epoch` or its lease must have run out.
///
/// The lease of a node that has not seen the commit was extended by a heartbeat sent before it.
/// Counting a whole lease from when the wait begins, after the commit, is therefore enough.
pub(super) async fn wait_for_others(
    db: &Db,
    sources: &Sources,
    epoch: i64,
    own_incarnation: Option<&str>,
    effect: Effect,
) {
    let begun = sources.both().boot_nanos;
    let mut pause = POLL_MILLIS.0;
    loop {
        let waited = (sources.both().boot_nanos - begun) / 1_000_000;
        match lagging(db, epoch, own_incarnation).await {
            Ok(lagging) => {
                if lagging.into_iter().all(|lease| lease <= waited) {
                    return;
                }
            }
            // Without the list the longest lease that there can be has to be waited out.
            Err(_) if waited > LEASE_MILLIS_MAX => return,
            Err(_) => {}
        }
        if effect == Effect::Grants && waited >= GRANT_WAIT_MILLIS {
            return;
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
        pause = (pause * 2).min(POLL_MILLIS.1);
    }
}

/// The leases, in milliseconds, of the other nodes that have not applied `epoch`.
async fn lagging(db: &Db, epoch: i64, own: Option<&str>) -> Result<Vec<u64>, StoreError> {
    let nodes = nodes::list(&mut *db.read().await?).await?;
    let lagging = nodes
        .into_iter()
        .filter(|node| Some(node.incarnation.as_str()) != own && node.applied_epoch < epoch);
    Ok(lagging
        .map(|node| u64::try_from(node.lease_millis).unwrap_or(0))
        .collect())
}

/// Takes nodes off the list whose heartbeat has not moved for a whole lease, so that the dead slow
/// no revocation. A node that was only asleep notices and registers again before it decides.
#[derive(Default)]
pub(super) struct Reaper {
    seen: HashMap<String, (i64, u64)>,
}

impl Reaper {
    /// Looks at the list once. `own` is never taken off.
    pub(super) async fn look(
        &mut self,
        db: &Db,
        sources: &Sources,
        own: &str,
    ) -> Result<(), StoreError> {
        let nodes = nodes::list(&mut *db.read_urgent().await?).await?;
        let now = sources.both().boot_nanos;
        self.seen
            .retain(|known, _| nodes.iter().any(|node| node.incarnation == *known));
        for node in nodes.into_iter().filter(|node| node.incarnation != own) {
            let seen = self
                .seen
                .entry(node.incarnation.clone())
                .or_insert((node.beat, now));
            if seen.0 != node.beat {
                *seen = (node.beat, now);
                continue;
            }
            let silent_millis = (now - seen.1) / 1_000_000;
            if silent_millis <= u64::try_from(node.lease_millis).unwrap_or(0) {
                continue;
            }
            let removed = db
                .write(move |tx| {
                    let node = node.clone();
                    Box::pin(async move {
                        let beat = node.beat;
                        let gone = nodes::remove(tx, &node.id, &node.incarnation, beat).await?;
                        Ok::<_, StoreError>((gone, node.id))
                    })
                })
                .await?;
            if let (true, id) = removed.value {
                tracing::warn!(
                    node = id,
                    "a node vanished; its lease is over and it is forgotten"
                );
            }
        }
        Ok(())
    }
}
