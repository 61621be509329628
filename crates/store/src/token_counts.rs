//! How many tokens a client with a quota got on a day. Days are counted from 1970 in UTC.

use std::collections::HashMap;

use claviger_model::Environment;
use claviger_model::ids::{AccountId, ClientId};

use crate::db::{Conn, Row, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, json_text};

/// Takes one token of the day; how many are used with it, or nothing when `limit` are used
/// already. Without a limit it only counts. One statement, so that at any number of requests at
/// once exactly the limit is given.
pub async fn take(
    tx: &mut Tx,
    client: ClientId,
    day: i64,
    limit: Option<u32>,
) -> Result<Option<i64>, StoreError> {
    let row = tx
        .query(
            "INSERT INTO token_counts (client_id, day, used)
             SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), 1 WHERE CAST($3 AS BIGINT) > 0
             ON CONFLICT (client_id, day) DO UPDATE SET used = token_counts.used + 1
                 WHERE token_counts.used < $3
             RETURNING used",
        )
        .shown(client)
        .bind(day)
        .bind(limit.map_or(i64::MAX, i64::from))
        .fetch_optional()
        .await?;
    row.map(|row| row.get(0)).transpose()
}

/// How many tokens of the day are used.
pub async fn used(conn: &mut Conn, client: ClientId, day: i64) -> Result<i64, StoreError> {
    let row = conn
        .query("SELECT used FROM token_counts WHERE client_id = $1 AND day = $2")
        .shown(client)
        .bind(day)
        .fetch_optional()
        .await?;
    row.map_or(Ok(0), |row| row.get(0))
}

/// How many tokens of the day those of the clients used that used any.
pub async fn used_by(
    conn: &mut Conn,
    clients: &[ClientId],
    day: i64,
) -> Result<HashMap<ClientId, i64>, StoreError> {
    let rows = conn
        .query2(
            "SELECT client_id, used FROM token_counts
             WHERE client_id IN (SELECT value FROM json_each($1)) AND day = $2",
            "SELECT client_id, used FROM token_counts
             WHERE client_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))
                 AND day = $2",
        )
        .bind(json_text(clients)?)
        .bind(day)
        .fetch_all()
        .await?;
    let of_client = |row: &Row| {
        let mut fields = Fields::of("token_counts", row);
        Ok((fields.parsed()?, fields.int()?))
    };
    rows.iter().map(of_client).collect()
}

/// A client that got its tokens of a day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsedUp {
    /// The client.
    pub client_id: ClientId,
    /// What it is called.
    pub client_name: String,
    /// `app` or `machine`.
    pub kind: String,
    /// How many tokens it got.
    pub used: i64,
    /// How many it gets.
    pub limit: i64,
}

/// The clients of an account in an environment that got all their tokens of the day, those with
/// most first. `default` is the quota of those that have none of their own.
pub async fn used_up(
    conn: &mut Conn,
    (account, environment): (AccountId, Environment),
    day: i64,
    default: Option<u32>,
    limit: u32,
) -> Result<Vec<UsedUp>, StoreError> {
    let rows = conn
        .query(
            "SELECT t.client_id, c.name, c.kind, t.used, COALESCE(c.tokens_per_day, $4)
             FROM clients c JOIN token_counts t ON t.client_id = c.id
             WHERE c.account_id = $1 AND c.environment = $2 AND c.deleted_at IS NULL
                 AND t.day = $3 AND t.used >= COALESCE(c.tokens_per_day, $4)
             ORDER BY t.used DESC, t.client_id LIMIT $5",
        )
        .shown(account)
        .bind(environment.as_str())
        .bind(day)
        .bind(default.map_or(i64::MAX, i64::from))
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    let used_up = |row: &Row| {
        let mut fields = Fields::of("token_counts", row);
        Ok(UsedUp {
            client_id: fields.parsed()?,
            client_name: fields.text()?,
            kind: fields.text()?,
            used: fields.int()?,
            limit: fields.int()?,
        })
    };
    rows.iter().map(used_up).collect()
}

/// Forgets at most `limit` counts of days before `day`; how many.
pub async fn purge(tx: &mut Tx, day: i64, limit: u32) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM token_counts WHERE (client_id, day) IN
             (SELECT client_id, day FROM token_counts WHERE day < $1 LIMIT $2)",
    )
    .bind(day)
    .bind(i64::from(limit))
    .execute()
    .await
}
