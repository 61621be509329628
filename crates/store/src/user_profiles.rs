//! What users want to be called. The rows give no power and carry no seal.

use claviger_model::UnixMillis;
use claviger_model::ids::UserId;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, json_text};

const TABLE: &str = "user_profiles";

/// Gives a user a name, in the place of the one before.
pub async fn set(tx: &mut Tx, user: UserId, name: &str, now: UnixMillis) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO user_profiles (user_id, name, changed_at) VALUES ($1, $2, $3)
         ON CONFLICT (user_id)
         DO UPDATE SET name = excluded.name, changed_at = excluded.changed_at",
    )
    .shown(user)
    .bind(name)
    .time(now)
    .execute()
    .await
    .map(drop)
}

/// Takes the name of a user away.
pub async fn delete(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    let query = tx.query("DELETE FROM user_profiles WHERE user_id = $1");
    query.shown(user).execute().await.map(drop)
}

/// The name of a user that has one.
pub async fn name(conn: &mut Conn, user: UserId) -> Result<Option<String>, StoreError> {
    let query = conn.query("SELECT name FROM user_profiles WHERE user_id = $1");
    let row = query.shown(user).fetch_optional().await?;
    row.map(|row| row.get(0)).transpose()
}

/// The names of those of the users that have one.
pub async fn names(conn: &mut Conn, users: &[UserId]) -> Result<Vec<(UserId, String)>, StoreError> {
    let rows = conn
        .query2(
            "SELECT user_id, name FROM user_profiles
             WHERE user_id IN (SELECT value FROM json_each($1))",
            "SELECT user_id, name FROM user_profiles
             WHERE user_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(users)?)
        .fetch_all()
        .await?;
    let named = rows.iter().map(|row| {
        let mut fields = Fields::of(TABLE, row);
        Ok((fields.parsed()?, fields.text()?))
    });
    named.collect()
}
