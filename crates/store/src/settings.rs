//! Facts about the instance, by name.

use crate::db::{Conn, Tx};
use crate::error::StoreError;

/// The fact of this name.
pub async fn get(conn: &mut Conn, name: &str) -> Result<Option<String>, StoreError> {
    let query = conn.query("SELECT value FROM settings WHERE name = $1");
    let row = query.bind(name).fetch_optional().await?;
    row.map(|row| row.get(0)).transpose()
}

/// Writes a fact, over an earlier one.
pub async fn put(tx: &mut Tx, name: &str, value: &str) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO settings (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute()
    .await?;
    Ok(())
}

/// Forgets a fact; whether there was one.
pub async fn remove(tx: &mut Tx, name: &str) -> Result<bool, StoreError> {
    let query = tx.query("DELETE FROM settings WHERE name = $1");
    Ok(query.bind(name).execute().await? == 1)
}

/// Writes a fact unless there is one of this name; the value that holds. Of two who write at the
/// same time one waits, and both learn the same.
pub async fn keep_first(tx: &mut Tx, name: &str, value: &str) -> Result<String, StoreError> {
    let row = tx
        .query(
            "INSERT INTO settings (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = settings.value
             RETURNING value",
        )
        .bind(name)
        .bind(value)
        .fetch_optional()
        .await?;
    row.map_or_else(|| Ok(value.to_owned()), |row| row.get(0))
}
