//! What ended tokens lately, for those who verify tokens without asking: clients that were deleted,
//! secrets that were revoked, accounts that are suspended.

use std::str::FromStr;

use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, ClientId, SecretId};

use crate::db::{Conn, Row};
use crate::error::StoreError;
use crate::rows::{Fields, good};

/// The clients that were deleted after `since`.
pub async fn deleted_clients(
    conn: &mut Conn,
    since: UnixMillis,
) -> Result<Vec<ClientId>, StoreError> {
    let query = conn.query("SELECT id FROM clients WHERE deleted_at > $1 ORDER BY id");
    Ok(ids("clients", &query.time(since).fetch_all().await?))
}

/// The secrets that were revoked after `since`.
pub async fn revoked_secrets(
    conn: &mut Conn,
    since: UnixMillis,
) -> Result<Vec<SecretId>, StoreError> {
    let query = conn.query("SELECT id FROM client_secrets WHERE revoked_at > $1 ORDER BY id");
    Ok(ids("client_secrets", &query.time(since).fetch_all().await?))
}

/// The accounts that are suspended since later than `since`.
pub async fn suspended_accounts(
    conn: &mut Conn,
    since: UnixMillis,
) -> Result<Vec<AccountId>, StoreError> {
    let query = conn.query("SELECT id FROM accounts WHERE suspended_at > $1 ORDER BY id");
    Ok(ids("accounts", &query.time(since).fetch_all().await?))
}

fn ids<T: FromStr>(table: &'static str, rows: &[Row]) -> Vec<T> {
    let read = |row| Fields::of(table, row).parsed();
    rows.iter().filter_map(|row| good(read(row))).collect()
}
