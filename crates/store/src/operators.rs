//! Users who run the instance.

use claviger_model::ids::UserId;
use claviger_model::members::Operator;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, Stored, json_text, open_good, open_one};

impl Stored for Operator {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            user_id: fields.parsed()?,
            created_at: fields.time()?,
            version: fields.int()?,
        })
    }
}

/// Adds an operator; one who is there already conflicts with `operators.user_id`.
pub async fn insert(tx: &mut Tx, operator: &Operator) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(operator);
    tx.query(
        "INSERT INTO operators (user_id, created_at, row_version, seal) VALUES ($1, $2, $3, $4)",
    )
    .shown(operator.user_id)
    .time(operator.created_at)
    .bind(operator.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Removes an operator; whether there was one.
pub async fn delete(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    let query = tx.query("DELETE FROM operators WHERE user_id = $1");
    Ok(query.shown(user).execute().await? == 1)
}

/// The operator that the user is.
pub async fn get(conn: &mut Conn, user: UserId) -> Result<Option<Operator>, StoreError> {
    let row = conn
        .query("SELECT user_id, created_at, row_version, seal FROM operators WHERE user_id = $1")
        .shown(user)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// Those of the users that are operators and can be trusted.
pub async fn by_ids(conn: &mut Conn, users: &[UserId]) -> Result<Vec<Operator>, StoreError> {
    let rows = conn
        .query2(
            "SELECT user_id, created_at, row_version, seal FROM operators
             WHERE user_id IN (SELECT value FROM json_each($1))",
            "SELECT user_id, created_at, row_version, seal FROM operators
             WHERE user_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(users)?)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

/// Every operator.
pub async fn list(conn: &mut Conn) -> Result<Vec<Operator>, StoreError> {
    let rows = conn
        .query("SELECT user_id, created_at, row_version, seal FROM operators ORDER BY user_id")
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

/// How many there are.
pub async fn count(conn: &mut Conn) -> Result<i64, StoreError> {
    let query = conn.query("SELECT COUNT(*) FROM operators");
    query.fetch_one().await?.get(0)
}
