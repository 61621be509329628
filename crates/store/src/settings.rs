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
