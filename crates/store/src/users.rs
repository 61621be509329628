//! Users.

use claviger_model::ids::UserId;
use claviger_model::members::User;
use claviger_model::seal::Sealed as _;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, Stored, json_text, one_row, open_good, open_one};

impl Stored for User {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: fields.parsed()?,
            email: fields.text()?,
            password_hash: fields.text()?,
            suspended_at: fields.optional_time()?,
            created_at: fields.time()?,
            version: fields.int()?,
        })
    }
}

/// Adds a user; an address that is taken conflicts with `users.email`.
pub async fn insert(tx: &mut Tx, user: &User) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(user);
    tx.query(
        "INSERT INTO users (id, email, password_hash, suspended_at, created_at, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .shown(user.id)
    .bind(user.email.as_str())
    .bind(user.password_hash.as_str())
    .time_option(user.suspended_at)
    .time(user.created_at)
    .bind(user.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes a changed user over the version before it.
pub async fn update(tx: &mut Tx, user: &User) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(user);
    let touched = tx
        .query(
            "UPDATE users SET email = $2, password_hash = $3, suspended_at = $4,
                 row_version = $5, seal = $6
             WHERE id = $1 AND row_version = $5 - 1",
        )
        .shown(user.id)
        .bind(user.email.as_str())
        .bind(user.password_hash.as_str())
        .time_option(user.suspended_at)
        .bind(user.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, User::TABLE)
}

/// Holds the user's row until the end of the transaction, so that a sign-in and a change of the
/// password that it was checked against come one after the other.
pub async fn lock(tx: &mut Tx, id: UserId) -> Result<(), StoreError> {
    let query = tx.query("UPDATE users SET row_version = row_version WHERE id = $1");
    query.shown(id).execute().await.map(drop)
}

/// The user.
pub async fn get(conn: &mut Conn, id: UserId) -> Result<Option<User>, StoreError> {
    let row = conn
        .query(
            "SELECT id, email, password_hash, suspended_at, created_at, row_version, seal
             FROM users WHERE id = $1",
        )
        .shown(id)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// The user with this address, in lower case.
pub async fn by_email(conn: &mut Conn, email: &str) -> Result<Option<User>, StoreError> {
    let row = conn
        .query(
            "SELECT id, email, password_hash, suspended_at, created_at, row_version, seal
             FROM users WHERE email = $1",
        )
        .bind(email)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// Those of the users that exist, in no particular order.
pub async fn by_ids(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
    let rows = conn
        .query2(
            "SELECT id, email, password_hash, suspended_at, created_at, row_version, seal
             FROM users WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT id, email, password_hash, suspended_at, created_at, row_version, seal
             FROM users WHERE id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(ids)?)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}
