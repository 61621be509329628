//! The epoch, the changes by epoch, and the head of the audit chain.

use claviger_model::audit::ChainHash;
use claviger_model::changes::{Change, ChangeKind};

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::Fields;

/// The epoch of the last commit that changed something.
pub async fn epoch(conn: &mut Conn) -> Result<i64, StoreError> {
    let query = conn.query("SELECT epoch FROM ledger WHERE id = 1");
    query.fetch_one().await?.get(0)
}

/// The changes of every epoch above `after`, in order. They are complete when `after` is not
/// below the [`floor`]; read that afterwards, since pruning may come between.
pub async fn changes_since(conn: &mut Conn, after: i64) -> Result<Vec<(i64, Change)>, StoreError> {
    let rows = conn
        .query("SELECT epoch, kind, id FROM changes WHERE epoch > $1 ORDER BY epoch, kind, id")
        .bind(after)
        .fetch_all()
        .await?;
    let change = |row| {
        let mut fields = Fields::of("changes", row);
        let epoch = fields.int()?;
        let kind = fields.word(ChangeKind::parse)?;
        Ok((epoch, Change::new(kind, fields.text()?)))
    };
    rows.iter().map(change).collect()
}

/// The lowest epoch after which [`changes_since`] is complete. A node below it has to load
/// everything again.
pub async fn floor(conn: &mut Conn) -> Result<i64, StoreError> {
    let query = conn.query("SELECT changes_floor FROM ledger WHERE id = 1");
    query.fetch_one().await?.get(0)
}

/// Forgets the changes of every epoch below `below`; nothing when that has been done, or when
/// there is no such epoch yet.
pub async fn prune(tx: &mut Tx, below: i64) -> Result<(), StoreError> {
    let raised = tx
        .query(
            "UPDATE ledger SET changes_floor = $1
             WHERE id = 1 AND changes_floor < $1 AND epoch >= $1",
        )
        .bind(below - 1)
        .execute()
        .await?;
    if raised == 1 {
        let query = tx.query("DELETE FROM changes WHERE epoch < $1");
        query.bind(below).execute().await?;
    }
    Ok(())
}

/// The place of the last audit event and its hash; zero and the chain's start when there is none.
pub async fn audit_head(conn: &mut Conn) -> Result<(i64, ChainHash), StoreError> {
    let query = conn.query("SELECT audit_seq, audit_hash FROM ledger WHERE id = 1");
    let row = query.fetch_one().await?;
    let mut fields = Fields::of("ledger", &row);
    Ok((fields.int()?, fields.hash()?))
}
