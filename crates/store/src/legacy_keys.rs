//! Legacy keys.

use claviger_model::ids::{AccountId, LegacyKeyId};
use claviger_model::legacy_keys::LegacyKey;
use claviger_model::seal::Sealed as _;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{self, Fields, Stored, json_text, one_row, open_good, open_one};

impl Stored for LegacyKey {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: fields.parsed()?,
            account_id: fields.parsed()?,
            stored: fields.stored_secret()?,
            created_by: fields.text()?,
            created_at: fields.time()?,
            revoked_at: fields.optional_time()?,
            revoked_by: fields.optional_text()?,
            version: fields.int()?,
        })
    }
}

/// Adds a key. `legacy_keys.live` conflicts when the account has a live one.
pub async fn insert(tx: &mut Tx, key: &LegacyKey) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(key);
    tx.query(
        "INSERT INTO legacy_keys (id, account_id, lookup, hash, pepper_version, hint, created_by,
             created_at, revoked_at, revoked_by, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .shown(key.id)
    .shown(key.account_id)
    .bind(key.stored.lookup.to_text())
    .bind(key.stored.hash.as_slice())
    .bind(i64::from(key.stored.pepper_version))
    .bind(key.stored.hint.as_str())
    .bind(key.created_by.as_str())
    .time(key.created_at)
    .time_option(key.revoked_at)
    .bind(key.revoked_by.as_deref())
    .bind(key.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes the revocation of a key over the version before it.
pub async fn update(tx: &mut Tx, key: &LegacyKey) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(key);
    let touched = tx
        .query(
            "UPDATE legacy_keys SET revoked_at = $2, revoked_by = $3, row_version = $4, seal = $5
             WHERE id = $1 AND row_version = $4 - 1",
        )
        .shown(key.id)
        .time_option(key.revoked_at)
        .bind(key.revoked_by.as_deref())
        .bind(key.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, LegacyKey::TABLE)
}

/// Takes the live key's row, so that whoever else wants to change it waits until this transaction
/// ends.
pub async fn lock(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    let query = tx.query(
        "UPDATE legacy_keys SET row_version = row_version
         WHERE account_id = $1 AND revoked_at IS NULL",
    );
    query.shown(account).execute().await.map(drop)
}

/// The live key of an account; when it has none, the one that was revoked last.
pub async fn latest(conn: &mut Conn, account: AccountId) -> Result<Option<LegacyKey>, StoreError> {
    // Not by id: the clocks of two nodes may differ.
    let row = conn
        .query(
            "SELECT id, account_id, lookup, hash, pepper_version, hint, created_by, created_at,
                 revoked_at, revoked_by, row_version, seal
             FROM legacy_keys WHERE account_id = $1
             ORDER BY revoked_at IS NULL DESC, revoked_at DESC, id DESC LIMIT 1",
        )
        .shown(account)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// A page of all keys, revoked ones too, in the order of their ids. Bad rows are alarmed and left
/// out. A short page is the last one.
pub async fn resident_page(
    conn: &mut Conn,
    after: Option<LegacyKeyId>,
    limit: u32,
) -> Result<Vec<LegacyKey>, StoreError> {
    let sql = "SELECT id, account_id, lookup, hash, pepper_version, hint, created_by, created_at,
             revoked_at, revoked_by, row_version, seal
         FROM legacy_keys WHERE id > $1 ORDER BY id LIMIT $2";
    rows::page_by_id(conn, sql, after, limit).await
}

/// Those of the keys that exist and can be trusted, revoked ones too.
pub async fn by_ids(conn: &mut Conn, ids: &[LegacyKeyId]) -> Result<Vec<LegacyKey>, StoreError> {
    let rows = conn
        .query2(
            "SELECT id, account_id, lookup, hash, pepper_version, hint, created_by, created_at,
                 revoked_at, revoked_by, row_version, seal
             FROM legacy_keys WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT id, account_id, lookup, hash, pepper_version, hint, created_by, created_at,
                 revoked_at, revoked_by, row_version, seal
             FROM legacy_keys
             WHERE id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(ids)?)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}
