//! The processes that serve, and how far each has applied the changes.

use claviger_model::UnixMillis;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, good};

/// A process that serves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// Its stable id.
    pub id: String,
    /// Which start of the process.
    pub incarnation: String,
    /// Up to which epoch it has applied the changes.
    pub applied_epoch: i64,
    /// Counts its heartbeats: one that stands still is dead.
    pub beat: i64,
    /// For how long it serves after a heartbeat, in milliseconds.
    pub lease_millis: i64,
    /// When this incarnation started.
    pub started_at: UnixMillis,
}

/// Enters a node; an earlier incarnation of the same id gives way.
pub async fn register(tx: &mut Tx, node: &Node) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO nodes (id, incarnation, applied_epoch, beat, lease_millis, started_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET incarnation = excluded.incarnation,
             applied_epoch = excluded.applied_epoch, beat = excluded.beat,
             lease_millis = excluded.lease_millis, started_at = excluded.started_at",
    )
    .bind(node.id.as_str())
    .bind(node.incarnation.as_str())
    .bind(node.applied_epoch)
    .bind(node.beat)
    .bind(node.lease_millis)
    .time(node.started_at)
    .execute()
    .await?;
    Ok(())
}

/// Notes what the node has applied and that it lives; the epoch as of this statement. `None` when
/// another incarnation has taken its place or somebody has removed it.
pub async fn heartbeat(
    conn: &mut Conn,
    id: &str,
    incarnation: &str,
    applied_epoch: i64,
) -> Result<Option<i64>, StoreError> {
    let row = conn
        .query(
            "UPDATE nodes SET applied_epoch = $3, beat = beat + 1
             WHERE id = $1 AND incarnation = $2
             RETURNING (SELECT epoch FROM ledger WHERE ledger.id = 1)",
        )
        .bind(id)
        .bind(incarnation)
        .bind(applied_epoch)
        .fetch_optional()
        .await?;
    row.map(|row| row.get(0)).transpose()
}

/// Every node, in the order of their ids.
pub async fn list(conn: &mut Conn) -> Result<Vec<Node>, StoreError> {
    let rows = conn
        .query(
            "SELECT id, incarnation, applied_epoch, beat, lease_millis, started_at
             FROM nodes ORDER BY id",
        )
        .fetch_all()
        .await?;
    let node = |row| {
        let mut fields = Fields::of("nodes", row);
        Ok(Node {
            id: fields.text()?,
            incarnation: fields.text()?,
            applied_epoch: fields.int()?,
            beat: fields.int()?,
            lease_millis: fields.int()?,
            started_at: fields.time()?,
        })
    };
    Ok(rows.iter().map(node).filter_map(good).collect())
}

/// Removes a node that has not beaten since it was seen with `beat`; whether it was still there.
pub async fn remove(
    tx: &mut Tx,
    id: &str,
    incarnation: &str,
    beat: i64,
) -> Result<bool, StoreError> {
    let removed = tx
        .query("DELETE FROM nodes WHERE id = $1 AND incarnation = $2 AND beat = $3")
        .bind(id)
        .bind(incarnation)
        .bind(beat)
        .execute()
        .await?;
    Ok(removed == 1)
}

/// Removes every node: for whoever holds the lock of a SQLite file, and so is alone.
pub async fn remove_all(tx: &mut Tx) -> Result<(), StoreError> {
    tx.query("DELETE FROM nodes").execute().await.map(drop)
}
