//! Forgetting counts.

use claviger_model::usage::Step;
use claviger_model::{Environment, UnixMillis, ids::AccountId};

use crate::db::{Conn, Row, Tx};
use crate::error::StoreError;
use crate::rows::json_text;

/// At most `limit` numbers of series above one, in their order.
pub async fn series_after(conn: &mut Conn, after: i64, limit: u32) -> Result<Vec<i64>, StoreError> {
    let rows = conn
        .query("SELECT number FROM usage_series WHERE number > $1 ORDER BY number LIMIT $2")
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    numbers(&rows)
}

/// At most `limit` numbers above one of the series of an account in an environment, in their order.
pub async fn series_of(
    conn: &mut Conn,
    account: AccountId,
    environment: Environment,
    after: i64,
    limit: u32,
) -> Result<Vec<i64>, StoreError> {
    let rows = conn
        .query(
            "SELECT number FROM usage_series
             WHERE account_id = $1 AND environment = $2 AND number > $3 ORDER BY number LIMIT $4",
        )
        .shown(account)
        .bind(environment.as_str())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    numbers(&rows)
}

/// Deletes the counts of these series before a moment, of those that are kept by one step.
pub async fn forget(
    tx: &mut Tx,
    series: &[i64],
    step: Step,
    before: UnixMillis,
) -> Result<u64, StoreError> {
    let (sqlite, postgres) = match step {
        Step::Minute => (
            "DELETE FROM usage_minutes
             WHERE series IN (SELECT value FROM json_each($1)) AND minute < $2",
            "DELETE FROM usage_minutes WHERE series IN
                 (SELECT CAST(jsonb_array_elements_text(CAST($1 AS jsonb)) AS BIGINT))
                 AND minute < $2",
        ),
        Step::Hour => (
            "DELETE FROM usage_hours
             WHERE series IN (SELECT value FROM json_each($1)) AND hour < $2",
            "DELETE FROM usage_hours WHERE series IN
                 (SELECT CAST(jsonb_array_elements_text(CAST($1 AS jsonb)) AS BIGINT))
                 AND hour < $2",
        ),
        Step::Day => (
            "DELETE FROM usage_days
             WHERE series IN (SELECT value FROM json_each($1)) AND day < $2",
            "DELETE FROM usage_days WHERE series IN
                 (SELECT CAST(jsonb_array_elements_text(CAST($1 AS jsonb)) AS BIGINT))
                 AND day < $2",
        ),
    };
    let query = tx.query2(sqlite, postgres).bind(json_text(series)?);
    query.bind(step.number(before)).execute().await
}

/// Deletes those of the series that were made before a day and have no counts any more.
pub async fn forget_series(
    tx: &mut Tx,
    series: &[i64],
    before: UnixMillis,
) -> Result<u64, StoreError> {
    tx.query2(
        "DELETE FROM usage_series
         WHERE number IN (SELECT value FROM json_each($1)) AND since_day < $2
             AND NOT EXISTS (SELECT 1 FROM usage_days WHERE series = number)",
        "DELETE FROM usage_series WHERE number IN
             (SELECT CAST(jsonb_array_elements_text(CAST($1 AS jsonb)) AS BIGINT))
             AND since_day < $2
             AND NOT EXISTS (SELECT 1 FROM usage_days WHERE series = number)",
    )
    .bind(json_text(series)?)
    .bind(Step::Day.number(before))
    .execute()
    .await
}

/// Forgets processes that have added nothing since a moment.
pub async fn forget_writers(tx: &mut Tx, before: UnixMillis) -> Result<u64, StoreError> {
    let query = tx.query("DELETE FROM usage_writers WHERE at < $1");
    query.time(before).execute().await
}

fn numbers(rows: &[Row]) -> Result<Vec<i64>, StoreError> {
    rows.iter().map(|row| row.get(0)).collect()
}
