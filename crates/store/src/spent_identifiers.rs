//! What may be used once, whichever node it is sent to: assertions and proofs of clients, by a
//! hash of who sent them and their `jti`.

use claviger_model::UnixMillis;

use crate::db::{Conn, Tx};
use crate::error::StoreError;

/// Notes that an identifier is used, until what it names is over; whether it was not before. One
/// statement, so that of any number of uses at once exactly one is the first.
pub async fn spend(tx: &mut Tx, id: &str, expires_at: UnixMillis) -> Result<bool, StoreError> {
    let touched = tx
        .query(
            "INSERT INTO spent_identifiers (id, expires_at) VALUES ($1, $2)
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .time(expires_at)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Whether an identifier was used before.
pub async fn is_spent(conn: &mut Conn, id: &str) -> Result<bool, StoreError> {
    let query = conn.query("SELECT 1 FROM spent_identifiers WHERE id = $1");
    Ok(query.bind(id).fetch_optional().await?.is_some())
}

/// Forgets at most `limit` identifiers of what was over before `before`; how many.
pub async fn delete_before(tx: &mut Tx, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM spent_identifiers WHERE id IN
             (SELECT id FROM spent_identifiers WHERE expires_at < $1 LIMIT $2)",
    )
    .time(before)
    .bind(i64::from(limit))
    .execute()
    .await
}
