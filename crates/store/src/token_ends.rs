//! What ended tokens lately, for those who verify tokens without asking: clients that were deleted,
//! secrets that were revoked, accounts that are suspended, grants and families of tokens that were
//! ended.

use std::str::FromStr;

use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, ClientId, FamilyId, GrantId, SecretId};

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

/// The apps of accounts that are suspended since later than `since`: a token for a user names the
/// user's account, not its app's.
pub async fn apps_of_suspended_accounts(
    conn: &mut Conn,
    since: UnixMillis,
) -> Result<Vec<ClientId>, StoreError> {
    let query = conn.query(
        "SELECT c.id FROM clients c JOIN accounts a ON a.id = c.account_id
         WHERE c.kind = 'app' AND c.deleted_at IS NULL AND a.suspended_at > $1 ORDER BY c.id",
    );
    Ok(ids("clients", &query.time(since).fetch_all().await?))
}

/// The apps of accounts whose tokens were ended, with the epoch below which they are dead.
pub async fn apps_below_floors(conn: &mut Conn) -> Result<Vec<(ClientId, i64)>, StoreError> {
    let rows = conn
        .query(
            "SELECT c.id, f.not_before_epoch FROM token_floors f
             JOIN clients c ON c.account_id = f.owner_id
             WHERE c.kind = 'app' AND c.deleted_at IS NULL ORDER BY c.id",
        )
        .fetch_all()
        .await?;
    let pair = |row| {
        let mut fields = Fields::of("clients", row);
        Ok((fields.parsed()?, fields.int()?))
    };
    Ok(rows.iter().filter_map(|row| good(pair(row))).collect())
}

/// The grants that were ended after `since`.
pub async fn ended_grants(conn: &mut Conn, since: UnixMillis) -> Result<Vec<GrantId>, StoreError> {
    let query = conn.query("SELECT id FROM grants WHERE ended_at > $1 ORDER BY id");
    Ok(ids("grants", &query.time(since).fetch_all().await?))
}

/// The families of tokens that were ended after `since`.
pub async fn ended_families(
    conn: &mut Conn,
    since: UnixMillis,
) -> Result<Vec<FamilyId>, StoreError> {
    let query = conn.query("SELECT id FROM token_families WHERE ended_at > $1 ORDER BY id");
    Ok(ids("token_families", &query.time(since).fetch_all().await?))
}

fn ids<T: FromStr>(table: &'static str, rows: &[Row]) -> Vec<T> {
    let read = |row| Fields::of(table, row).parsed();
    rows.iter().filter_map(|row| good(read(row))).collect()
}
