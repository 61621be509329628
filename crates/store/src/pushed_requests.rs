//! Pushed authorization requests.

use claviger_model::UnixMillis;
use claviger_model::pushed_requests::PushedRequest;
use claviger_model::secret::Lookup;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, Stored, json_text, open_one};

impl Stored for PushedRequest {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            stored: fields.stored_secret()?,
            client_id: fields.parsed()?,
            parameters: fields.json()?,
            created_at: fields.time()?,
            expires_at: fields.time()?,
            opened_at: fields.optional_time()?,
            used_at: fields.optional_time()?,
            version: fields.int()?,
        })
    }
}

/// Adds a request.
pub async fn insert(tx: &mut Tx, request: &PushedRequest) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(request);
    tx.query(
        "INSERT INTO pushed_requests (lookup, hash, pepper_version, hint, client_id, parameters,
             created_at, expires_at, opened_at, used_at, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(request.stored.lookup.to_text())
    .bind(request.stored.hash.as_slice())
    .bind(i64::from(request.stored.pepper_version))
    .bind(request.stored.hint.as_str())
    .shown(request.client_id)
    .bind(json_text(&request.parameters)?)
    .time(request.created_at)
    .time(request.expires_at)
    .time_option(request.opened_at)
    .time_option(request.used_at)
    .bind(request.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes that a browser brought a request, or that an authorization was completed with it: one
/// statement, which of several at the same time exactly one does, and none after the completion.
/// Whether it was this one.
pub async fn advance(tx: &mut Tx, request: &PushedRequest) -> Result<bool, StoreError> {
    let seal = tx.keyring().seal(request);
    let touched = tx
        .query(
            "UPDATE pushed_requests SET expires_at = $2, opened_at = $3, used_at = $4,
                 row_version = $5, seal = $6
             WHERE lookup = $1 AND row_version = $5 - 1 AND used_at IS NULL",
        )
        .bind(request.stored.lookup.to_text())
        .time(request.expires_at)
        .time_option(request.opened_at)
        .time_option(request.used_at)
        .bind(request.version)
        .bind(seal)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// The request with this public identifier; its hash is not compared here.
pub async fn by_lookup(
    conn: &mut Conn,
    lookup: Lookup,
) -> Result<Option<PushedRequest>, StoreError> {
    let row = conn
        .query(
            "SELECT lookup, hash, pepper_version, hint, client_id, parameters, created_at,
                 expires_at, opened_at, used_at, row_version, seal
             FROM pushed_requests WHERE lookup = $1",
        )
        .bind(lookup.to_text())
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// Deletes at most `limit` requests that ended before `before`; how many.
pub async fn delete_before(tx: &mut Tx, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM pushed_requests WHERE lookup IN
             (SELECT lookup FROM pushed_requests WHERE expires_at < $1 LIMIT $2)",
    )
    .time(before)
    .bind(i64::from(limit))
    .execute()
    .await
}
