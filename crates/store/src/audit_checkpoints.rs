//! Checkpoints of the audit log.

use claviger_model::UnixMillis;
use claviger_model::audit::tree::Frontier;

use crate::db::{Conn, Row, Tx};
use crate::error::StoreError;
use crate::rows::Fields;

/// A checkpoint, and what it takes to make the next one from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredCheckpoint {
    /// When it was made.
    pub at: UnixMillis,
    /// The tree that it signs; its size is the place of its last event.
    pub tree: Frontier,
    /// The signed note.
    pub note: String,
}

/// The columns, in the order in which they are read.
macro_rules! checkpoint_sql {
    ($rest:literal) => {
        concat!("SELECT seq, at, peaks, note FROM audit_checkpoints ", $rest)
    };
}

/// Adds a checkpoint unless there is one at this place; whether it was added.
pub async fn insert(tx: &mut Tx, checkpoint: &StoredCheckpoint) -> Result<bool, StoreError> {
    let added = tx
        .query(
            "INSERT INTO audit_checkpoints (seq, at, peaks, note)
             VALUES ($1, $2, $3, $4) ON CONFLICT (seq) DO NOTHING",
        )
        .bind(place(checkpoint.tree.size()))
        .time(checkpoint.at)
        .bind(checkpoint.tree.to_bytes())
        .bind(checkpoint.note.as_str())
        .execute()
        .await?;
    Ok(added == 1)
}

/// The last checkpoint.
pub async fn last(conn: &mut Conn) -> Result<Option<StoredCheckpoint>, StoreError> {
    before(conn, i64::MAX).await
}

/// The last checkpoint before the place `seq`.
pub async fn before(conn: &mut Conn, seq: i64) -> Result<Option<StoredCheckpoint>, StoreError> {
    let query = conn.query(checkpoint_sql!("WHERE seq < $1 ORDER BY seq DESC LIMIT 1"));
    let row = query.bind(seq).fetch_optional().await?;
    row.as_ref().map(stored).transpose()
}

/// The first checkpoint that stands for the event at the place `seq`.
pub async fn over(conn: &mut Conn, seq: i64) -> Result<Option<StoredCheckpoint>, StoreError> {
    let query = conn.query(checkpoint_sql!("WHERE seq >= $1 ORDER BY seq LIMIT 1"));
    let row = query.bind(seq).fetch_optional().await?;
    row.as_ref().map(stored).transpose()
}

/// A page, the newest first, before the place `before_seq`.
pub async fn page(
    conn: &mut Conn,
    before_seq: Option<i64>,
    limit: u32,
) -> Result<Vec<StoredCheckpoint>, StoreError> {
    let query = conn.query(checkpoint_sql!("WHERE seq < $1 ORDER BY seq DESC LIMIT $2"));
    let query = query.bind(before_seq.unwrap_or(i64::MAX));
    let rows = query.bind(i64::from(limit)).fetch_all().await?;
    rows.iter().map(stored).collect()
}

/// A page, the oldest first, after the place `after_seq`.
pub async fn page_in_order(
    conn: &mut Conn,
    after_seq: i64,
    limit: u32,
) -> Result<Vec<StoredCheckpoint>, StoreError> {
    let query = conn.query(checkpoint_sql!("WHERE seq > $1 ORDER BY seq LIMIT $2"));
    let rows = query
        .bind(after_seq)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    rows.iter().map(stored).collect()
}

fn place(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn stored(row: &Row) -> Result<StoredCheckpoint, StoreError> {
    let mut fields = Fields::of("audit_checkpoints", row);
    let size: u64 = fields.small()?;
    Ok(StoredCheckpoint {
        at: fields.time()?,
        tree: fields.bytes(|bytes| Frontier::from_bytes(size, bytes))?,
        note: fields.text()?,
    })
}
