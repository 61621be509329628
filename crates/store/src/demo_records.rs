//! What the demo API keeps.

use claviger_model::ids::AccountId;
use claviger_model::{Environment, UnixMillis};
use serde_json::Value;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, json_text};

/// A record of the demo API.
#[derive(Clone, PartialEq, Debug)]
pub struct DemoRecord {
    /// Live or sandbox.
    pub environment: Environment,
    /// Such as `leads`.
    pub collection: String,
    /// Its id, unique in its collection and environment.
    pub id: String,
    /// Which account added it; none of those that are there at first.
    pub account_id: Option<AccountId>,
    /// What was posted.
    pub body: Value,
    /// When.
    pub created_at: UnixMillis,
}

/// Adds a record.
pub async fn insert(tx: &mut Tx, record: &DemoRecord) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO demo_records (environment, collection, id, account_id, body, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(record.environment.as_str())
    .bind(record.collection.as_str())
    .bind(record.id.as_str())
    .shown_option(record.account_id)
    .bind(json_text(&record.body)?)
    .time(record.created_at)
    .execute()
    .await?;
    Ok(())
}

/// The first records of a collection, in the order of their ids.
pub async fn list(
    conn: &mut Conn,
    environment: Environment,
    collection: &str,
    limit: u32,
) -> Result<Vec<DemoRecord>, StoreError> {
    let rows = conn
        .query(
            "SELECT id, account_id, body, created_at FROM demo_records
             WHERE environment = $1 AND collection = $2 ORDER BY id LIMIT $3",
        )
        .bind(environment.as_str())
        .bind(collection)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    let record = |row| {
        let mut fields = Fields::of("demo_records", row);
        Ok(DemoRecord {
            environment,
            collection: collection.to_owned(),
            id: fields.text()?,
            account_id: fields.optional_parsed()?,
            body: fields.json()?,
            created_at: fields.time()?,
        })
    };
    rows.iter().map(record).collect()
}

/// Deletes every record of an environment; how many.
pub async fn clear(tx: &mut Tx, environment: Environment) -> Result<u64, StoreError> {
    let query = tx.query("DELETE FROM demo_records WHERE environment = $1");
    query.bind(environment.as_str()).execute().await
}

/// Deletes what an account added in an environment; how many records.
pub async fn clear_of(
    tx: &mut Tx,
    environment: Environment,
    account: AccountId,
) -> Result<u64, StoreError> {
    tx.query("DELETE FROM demo_records WHERE environment = $1 AND account_id = $2")
        .bind(environment.as_str())
        .shown(account)
        .execute()
        .await
}

/// How many records a collection has.
pub async fn count(
    conn: &mut Conn,
    environment: Environment,
    collection: &str,
) -> Result<i64, StoreError> {
    conn.query("SELECT COUNT(*) FROM demo_records WHERE environment = $1 AND collection = $2")
        .bind(environment.as_str())
        .bind(collection)
        .fetch_one()
        .await?
        .get(0)
}
