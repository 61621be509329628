//! Accounts.

use claviger_model::accounts::{Account, AccountStatus};
use claviger_model::ids::AccountId;
use claviger_model::seal::Sealed as _;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{self, Fields, Stored, json_text, one_row, open_good, open_one};

impl Stored for Account {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: fields.parsed()?,
            name: fields.text()?,
            status: fields
                .optional_time()?
                .map_or(AccountStatus::Active, |at| AccountStatus::Suspended { at }),
            created_at: fields.time()?,
            version: fields.int()?,
        })
    }
}

/// Adds an account.
pub async fn insert(tx: &mut Tx, account: &Account) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(account);
    tx.query(
        "INSERT INTO accounts (id, name, suspended_at, created_at, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .shown(account.id)
    .bind(account.name.as_str())
    .time_option(account.status.suspended_at())
    .time(account.created_at)
    .bind(account.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes a changed account over the version before it.
pub async fn update(tx: &mut Tx, account: &Account) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(account);
    let touched = tx
        .query(
            "UPDATE accounts SET name = $2, suspended_at = $3, row_version = $4, seal = $5
             WHERE id = $1 AND row_version = $4 - 1",
        )
        .shown(account.id)
        .bind(account.name.as_str())
        .time_option(account.status.suspended_at())
        .bind(account.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, Account::TABLE)
}

/// Holds the account's row until the end of the transaction, so that two transactions that each
/// check a rule about the whole account (its last owner) come one after the other.
pub async fn lock(tx: &mut Tx, id: AccountId) -> Result<(), StoreError> {
    let query = tx.query("UPDATE accounts SET row_version = row_version WHERE id = $1");
    query.shown(id).execute().await.map(drop)
}

/// The account.
pub async fn get(conn: &mut Conn, id: AccountId) -> Result<Option<Account>, StoreError> {
    let row = conn
        .query(
            "SELECT id, name, suspended_at, created_at, row_version, seal
             FROM accounts WHERE id = $1",
        )
        .shown(id)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// A page of all accounts in the order of their ids. A short page is the last one.
pub async fn list(
    conn: &mut Conn,
    after: Option<AccountId>,
    limit: u32,
) -> Result<Vec<Account>, StoreError> {
    let sql = "SELECT id, name, suspended_at, created_at, row_version, seal
         FROM accounts WHERE id > $1 ORDER BY id LIMIT $2";
    rows::page_by_id(conn, sql, after, limit).await
}

/// A page of the accounts with `text` in their name, whatever the case of plain letters, in the
/// order of their ids. A short page is the last one.
pub async fn find(
    conn: &mut Conn,
    text: &str,
    after: Option<AccountId>,
    limit: u32,
) -> Result<Vec<Account>, StoreError> {
    if text.contains('\0') {
        return Ok(Vec::new());
    }
    let pattern = rows::containing(text);
    let sql = "SELECT id, name, suspended_at, created_at, row_version, seal FROM accounts
         WHERE LOWER(name) LIKE LOWER($1) ESCAPE '!' AND id > $2 ORDER BY id LIMIT $3";
    let after = after.map_or_else(String::new, |id| id.to_string());
    rows::page(
        conn,
        sql,
        after,
        limit,
        |query, after: &String| query.bind(pattern.as_str()).bind(after.as_str()),
        rows::by_id,
    )
    .await
}

/// How many accounts there are, and how many of them are suspended.
pub async fn count(conn: &mut Conn) -> Result<(i64, i64), StoreError> {
    let query = conn.query("SELECT COUNT(*), COUNT(suspended_at) FROM accounts");
    let row = query.fetch_one().await?;
    Ok((row.get(0)?, row.get(1)?))
}

/// Those of the accounts that exist, in no particular order.
pub async fn by_ids(conn: &mut Conn, ids: &[AccountId]) -> Result<Vec<Account>, StoreError> {
    let rows = conn
        .query2(
            "SELECT id, name, suspended_at, created_at, row_version, seal
             FROM accounts WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT id, name, suspended_at, created_at, row_version, seal
             FROM accounts WHERE id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(ids)?)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}
