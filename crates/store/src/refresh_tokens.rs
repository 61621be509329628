//! Refresh tokens.

use claviger_model::UnixMillis;
use claviger_model::ids::FamilyId;
use claviger_model::refresh::RefreshToken;
use claviger_model::seal::Sealed as _;
use claviger_model::secret::Lookup;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, Stored, one_row, open_one};

impl Stored for RefreshToken {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            stored: fields.stored_secret()?,
            family_id: fields.parsed()?,
            generation: fields.small()?,
            created_at: fields.time()?,
            expires_at: fields.time()?,
            used_at: fields.optional_time()?,
            superseded_at: fields.optional_time()?,
            version: fields.int()?,
        })
    }
}

/// Adds a refresh token.
pub async fn insert(tx: &mut Tx, token: &RefreshToken) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(token);
    tx.query(
        "INSERT INTO refresh_tokens (lookup, hash, pepper_version, hint, family_id, generation,
             created_at, expires_at, used_at, superseded_at, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(token.stored.lookup.to_text())
    .bind(token.stored.hash.as_slice())
    .bind(i64::from(token.stored.pepper_version))
    .bind(token.stored.hint.as_str())
    .shown(token.family_id)
    .bind(i64::from(token.generation))
    .time(token.created_at)
    .time(token.expires_at)
    .time_option(token.used_at)
    .time_option(token.superseded_at)
    .bind(token.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes a changed refresh token over the version before it.
pub async fn update(tx: &mut Tx, token: &RefreshToken) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(token);
    let touched = tx
        .query(
            "UPDATE refresh_tokens SET used_at = $2, superseded_at = $3, row_version = $4,
                 seal = $5
             WHERE lookup = $1 AND row_version = $4 - 1",
        )
        .bind(token.stored.lookup.to_text())
        .time_option(token.used_at)
        .time_option(token.superseded_at)
        .bind(token.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, RefreshToken::TABLE)
}

/// The refresh token with this public identifier; its hash is not compared here.
pub async fn by_lookup(
    conn: &mut Conn,
    lookup: Lookup,
) -> Result<Option<RefreshToken>, StoreError> {
    let row = conn
        .query(
            "SELECT lookup, hash, pepper_version, hint, family_id, generation, created_at,
                 expires_at, used_at, superseded_at, row_version, seal
             FROM refresh_tokens WHERE lookup = $1",
        )
        .bind(lookup.to_text())
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// The refresh token at a place of a family.
pub async fn of_generation(
    conn: &mut Conn,
    family: FamilyId,
    generation: u32,
) -> Result<Option<RefreshToken>, StoreError> {
    let row = conn
        .query(
            "SELECT lookup, hash, pepper_version, hint, family_id, generation, created_at,
                 expires_at, used_at, superseded_at, row_version, seal
             FROM refresh_tokens WHERE family_id = $1 AND generation = $2",
        )
        .shown(family)
        .bind(i64::from(generation))
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// Deletes at most `limit` refresh tokens that ended before `before`; how many.
pub async fn delete_before(tx: &mut Tx, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM refresh_tokens WHERE lookup IN
             (SELECT lookup FROM refresh_tokens WHERE expires_at < $1 LIMIT $2)",
    )
    .time(before)
    .bind(i64::from(limit))
    .execute()
    .await
}
