//! When the test environments of accounts were put back to their start, and what belongs to them.

use claviger_model::ids::{AccountId, ClientId};
use claviger_model::{Environment, UnixMillis};

use crate::db::{Conn, Row, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, good};

/// The last reset of an account's test environment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SandboxReset {
    /// When.
    pub at: UnixMillis,
    /// Who asked for it, as the audit log names them.
    pub actor: String,
}

/// The last reset of what `scope` names; none when there was none.
pub async fn last(conn: &mut Conn, scope: &str) -> Result<Option<SandboxReset>, StoreError> {
    let query = conn.query(
        "SELECT scope, reset_at, actor FROM sandbox_resets
         WHERE scope = $1 AND reset_at IS NOT NULL AND actor IS NOT NULL",
    );
    let row = query.bind(scope).fetch_optional().await?;
    let read = |row: Row| {
        let mut fields = Fields::from("sandbox_resets", &row, 1);
        Ok(SandboxReset {
            at: fields.time()?,
            actor: fields.text()?,
        })
    };
    row.map(read).transpose()
}

/// Notes a reset that somebody asked for.
pub async fn note(tx: &mut Tx, scope: &str, reset: &SandboxReset) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO sandbox_resets (scope, appointed_at, reset_at, actor)
         VALUES ($1, 0, $2, $3)
         ON CONFLICT (scope) DO UPDATE SET reset_at = excluded.reset_at, actor = excluded.actor",
    )
    .bind(scope)
    .time(reset.at)
    .bind(reset.actor.as_str())
    .execute()
    .await
    .map(drop)
}

/// Claims the reset that was appointed for this time: of all who try one does it.
pub async fn claim(tx: &mut Tx, scope: &str, appointed: UnixMillis) -> Result<bool, StoreError> {
    let claimed = tx
        .query(
            "INSERT INTO sandbox_resets (scope, appointed_at) VALUES ($1, $2)
             ON CONFLICT (scope) DO UPDATE SET appointed_at = excluded.appointed_at
                 WHERE sandbox_resets.appointed_at < excluded.appointed_at
             RETURNING scope",
        )
        .bind(scope)
        .time(appointed)
        .fetch_optional()
        .await?;
    Ok(claimed.is_some())
}

/// For which time what `scope` names was reset last; none when it never was.
pub async fn appointed(conn: &mut Conn, scope: &str) -> Result<Option<UnixMillis>, StoreError> {
    let query = conn.query("SELECT appointed_at FROM sandbox_resets WHERE scope = $1");
    let row = query.bind(scope).fetch_optional().await?;
    row.map(|row| row.get(0).map(UnixMillis)).transpose()
}

/// The accounts that have credentials for test data, were there at the appointed time and have
/// that reset still to come, in the order of their ids.
pub async fn waiting(
    conn: &mut Conn,
    appointed: UnixMillis,
    after: Option<AccountId>,
    limit: u32,
) -> Result<Vec<AccountId>, StoreError> {
    let rows = conn
        .query(
            "SELECT a.id FROM accounts a LEFT JOIN sandbox_resets r ON r.scope = a.id
             WHERE a.id > $1 AND a.created_at < $2 AND COALESCE(r.appointed_at, 0) < $2
                 AND (EXISTS (SELECT 1 FROM keys k WHERE k.account_id = a.id
                         AND k.environment = 'test' AND k.state <> 'revoked')
                     OR EXISTS (SELECT 1 FROM clients c WHERE c.account_id = a.id
                         AND c.environment = 'test' AND c.deleted_at IS NULL))
             ORDER BY a.id LIMIT $3",
        )
        .bind(after.map_or_else(String::new, |id| id.to_string()))
        .time(appointed)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    let id = |row| Fields::of("accounts", row).parsed();
    Ok(rows.iter().filter_map(|row| good(id(row))).collect())
}

/// The account's clients for test data that are not deleted.
pub async fn clients(conn: &mut Conn, account: AccountId) -> Result<Vec<ClientId>, StoreError> {
    let rows = conn
        .query(
            "SELECT id FROM clients
             WHERE account_id = $1 AND environment = $2 AND deleted_at IS NULL ORDER BY id",
        )
        .shown(account)
        .bind(Environment::Test.as_str())
        .fetch_all()
        .await?;
    let id = |row| Fields::of("clients", row).parsed();
    Ok(rows.iter().filter_map(|row| good(id(row))).collect())
}

/// The apps for test data, whoever made them, that may act in the account.
pub async fn apps_with_grants(
    conn: &mut Conn,
    account: AccountId,
) -> Result<Vec<ClientId>, StoreError> {
    let rows = conn
        .query(
            "SELECT DISTINCT g.client_id FROM grants g JOIN clients c ON c.id = g.client_id
             WHERE g.account_id = $1 AND g.ended_at IS NULL AND c.environment = $2
             ORDER BY g.client_id",
        )
        .shown(account)
        .bind(Environment::Test.as_str())
        .fetch_all()
        .await?;
    let id = |row| Fields::of("grants", row).parsed();
    Ok(rows.iter().filter_map(|row| good(id(row))).collect())
}

/// Deletes decisions about the account's test data, `limit` of them at most; how many. In the
/// database of the decisions.
pub async fn forget_decisions(
    tx: &mut Tx,
    account: AccountId,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.query2(
        "DELETE FROM decisions WHERE request_id IN (SELECT request_id FROM decisions
             WHERE account_id = $1 AND body ->> '$.environment' = 'test' LIMIT $2)",
        "DELETE FROM decisions WHERE request_id IN (SELECT request_id FROM decisions
             WHERE account_id = $1 AND CAST(body AS jsonb) ->> 'environment' = 'test' LIMIT $2)",
    )
    .shown(account)
    .bind(i64::from(limit))
    .execute()
    .await
}
