//! "Not before": tokens of a client or an account that were issued below an epoch are dead. The
//! rows are written by [`Tx::end_tokens`](crate::Tx::end_tokens).

use claviger_model::tokens::TokenOwner;

use crate::db::{Conn, Row};
use crate::error::StoreError;
use crate::rows::{Fields, good, json_text};

/// A floor: whose, and the first epoch whose tokens live.
pub type Floor = (TokenOwner, i64);

/// The floors of those of the owners that have one.
pub async fn by_owners(conn: &mut Conn, owners: &[TokenOwner]) -> Result<Vec<Floor>, StoreError> {
    let owners: Vec<String> = owners.iter().map(ToString::to_string).collect();
    let rows = conn
        .query2(
            "SELECT owner_id, not_before_epoch FROM token_floors
             WHERE owner_id IN (SELECT value FROM json_each($1))",
            "SELECT owner_id, not_before_epoch FROM token_floors
             WHERE owner_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(&owners)?)
        .fetch_all()
        .await?;
    Ok(rows.iter().filter_map(|row| good(read(row))).collect())
}

/// Every floor.
pub async fn all(conn: &mut Conn) -> Result<Vec<Floor>, StoreError> {
    let rows = conn
        .query("SELECT owner_id, not_before_epoch FROM token_floors ORDER BY owner_id")
        .fetch_all()
        .await?;
    Ok(rows.iter().filter_map(|row| good(read(row))).collect())
}

fn read(row: &Row) -> Result<Floor, StoreError> {
    let mut fields = Fields::of("token_floors", row);
    Ok((fields.word(TokenOwner::parse)?, fields.int()?))
}
