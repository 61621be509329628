//! Idempotency keys: a create that is sent twice happens once.
//!
//! A claim is made in the transaction of the create, so a second request with the same key waits
//! for the first one's commit and then finds its result.

use claviger_model::UnixMillis;

use crate::db::{Conn, Tx};
use crate::error::{Cause, StoreError};
use crate::rows::Fields;

/// How often a claim that was purged while it was looked at is made again.
const ATTEMPTS_MAX: u32 = 3;

/// A request that wants to be the first with its key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The hash of actor, method, path and key.
    pub scope_hash: [u8; 32],
    /// The hash of the body.
    pub body_hash: [u8; 32],
    /// When it was made.
    pub created_at: UnixMillis,
    /// Until when the key is remembered.
    pub expires_at: UnixMillis,
}

/// Whether a claim was the first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Claimed {
    /// It was: go on, then [`complete`] it.
    New,
    /// It was not; this is what the first one left.
    Existing {
        /// The hash of the first request's body.
        body_hash: [u8; 32],
        /// What it made; empty when it was never completed.
        object_id: String,
        /// The secret that it showed, encrypted, as long as that may be replayed.
        sealed_secret: Option<Vec<u8>>,
        /// Until when.
        secret_expires_at: Option<UnixMillis>,
    },
}

/// Makes a claim. One that has expired by the new one's time is replaced.
pub async fn claim(tx: &mut Tx, claim: &Claim) -> Result<Claimed, StoreError> {
    for _ in 0..ATTEMPTS_MAX {
        if insert(tx, claim).await? {
            return Ok(Claimed::New);
        }
        if let Some(existing) = existing(tx, &claim.scope_hash).await? {
            return Ok(existing);
        }
    }
    Err(StoreError::Unavailable(Cause::new(
        "an idempotency key was purged again and again",
    )))
}

async fn insert(tx: &mut Tx, claim: &Claim) -> Result<bool, StoreError> {
    let row = tx
        .query(
            "INSERT INTO idempotency (scope_hash, body_hash, object_id, created_at, expires_at)
             VALUES ($1, $2, '', $3, $4)
             ON CONFLICT (scope_hash) DO UPDATE SET body_hash = excluded.body_hash,
                 object_id = '', sealed_secret = NULL, secret_expires_at = NULL,
                 created_at = excluded.created_at, expires_at = excluded.expires_at
                 WHERE idempotency.expires_at <= excluded.created_at
             RETURNING scope_hash",
        )
        .bind(claim.scope_hash.as_slice())
        .bind(claim.body_hash.as_slice())
        .time(claim.created_at)
        .time(claim.expires_at)
        .fetch_optional()
        .await?;
    Ok(row.is_some())
}

async fn existing(conn: &mut Conn, scope_hash: &[u8; 32]) -> Result<Option<Claimed>, StoreError> {
    let row = conn
        .query(
            "SELECT object_id, body_hash, sealed_secret, secret_expires_at
             FROM idempotency WHERE scope_hash = $1",
        )
        .bind(scope_hash.as_slice())
        .fetch_optional()
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let mut fields = Fields::of("idempotency", &row);
    let object_id = fields.text()?;
    Ok(Some(Claimed::Existing {
        body_hash: fields.hash()?,
        object_id,
        sealed_secret: fields.optional_bytes()?,
        secret_expires_at: fields.optional_time()?,
    }))
}

/// Notes what the claim's request made, and its secret for a replay.
pub async fn complete(
    tx: &mut Tx,
    scope_hash: &[u8; 32],
    object_id: &str,
    sealed_secret: Option<&[u8]>,
    secret_expires_at: Option<UnixMillis>,
) -> Result<(), StoreError> {
    tx.query(
        "UPDATE idempotency SET object_id = $2, sealed_secret = $3, secret_expires_at = $4
         WHERE scope_hash = $1",
    )
    .bind(scope_hash.as_slice())
    .bind(object_id)
    .bind(sealed_secret)
    .time_option(secret_expires_at)
    .execute()
    .await?;
    Ok(())
}

/// Forgets what has expired: whole keys, and secrets that may not be replayed any more.
pub async fn purge(tx: &mut Tx, now: UnixMillis) -> Result<(), StoreError> {
    let query = tx.query("DELETE FROM idempotency WHERE expires_at <= $1");
    query.time(now).execute().await?;
    tx.query(
        "UPDATE idempotency SET sealed_secret = NULL, secret_expires_at = NULL
         WHERE sealed_secret IS NOT NULL AND secret_expires_at <= $1",
    )
    .time(now)
    .execute()
    .await?;
    Ok(())
}
