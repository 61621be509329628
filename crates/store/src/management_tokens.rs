//! Credentials of automation.

use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, ManagementTokenId};
use claviger_model::seal::Sealed as _;
use claviger_model::secret::Lookup;
use claviger_model::tokens::ManagementToken;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{self, Fields, Stored, json_text, one_row, open_good, open_one};

impl Stored for ManagementToken {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: fields.parsed()?,
            account_id: fields.parsed()?,
            name: fields.text()?,
            scopes: fields.json()?,
            stored: fields.stored_secret()?,
            created_at: fields.time()?,
            expires_at: fields.time()?,
            revoked_at: fields.optional_time()?,
            version: fields.int()?,
        })
    }
}

/// Adds a token.
pub async fn insert(tx: &mut Tx, token: &ManagementToken) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(token);
    tx.query(
        "INSERT INTO management_tokens (id, account_id, name, scopes, lookup, hash,
             pepper_version, hint, created_at, expires_at, revoked_at, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .shown(token.id)
    .shown(token.account_id)
    .bind(token.name.as_str())
    .bind(json_text(&token.scopes)?)
    .bind(token.stored.lookup.to_text())
    .bind(token.stored.hash.as_slice())
    .bind(i64::from(token.stored.pepper_version))
    .bind(token.stored.hint.as_str())
    .time(token.created_at)
    .time(token.expires_at)
    .time_option(token.revoked_at)
    .bind(token.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes a changed token over the version before it.
pub async fn update(tx: &mut Tx, token: &ManagementToken) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(token);
    let touched = tx
        .query(
            "UPDATE management_tokens SET name = $2, scopes = $3, expires_at = $4,
                 revoked_at = $5, row_version = $6, seal = $7
             WHERE id = $1 AND row_version = $6 - 1",
        )
        .shown(token.id)
        .bind(token.name.as_str())
        .bind(json_text(&token.scopes)?)
        .time(token.expires_at)
        .time_option(token.revoked_at)
        .bind(token.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, ManagementToken::TABLE)
}

/// The token, when it belongs to the account; of whichever account without one.
pub async fn get(
    conn: &mut Conn,
    account: Option<AccountId>,
    id: ManagementTokenId,
) -> Result<Option<ManagementToken>, StoreError> {
    let row = conn
        .query(
            "SELECT id, account_id, name, scopes, lookup, hash, pepper_version, hint, created_at,
                 expires_at, revoked_at, row_version, seal
             FROM management_tokens WHERE id = $1 AND account_id = COALESCE($2, account_id)",
        )
        .shown(id)
        .shown_option(account)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// The token with this public identifier; its hash is not compared here.
pub async fn by_lookup(
    conn: &mut Conn,
    lookup: Lookup,
) -> Result<Option<ManagementToken>, StoreError> {
    let row = conn
        .query(
            "SELECT id, account_id, name, scopes, lookup, hash, pepper_version, hint, created_at,
                 expires_at, revoked_at, row_version, seal
             FROM management_tokens WHERE lookup = $1",
        )
        .bind(lookup.to_text())
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// A page of an account's tokens, the newest first, ended ones too. A short page is the last one.
pub async fn page(
    conn: &mut Conn,
    account: AccountId,
    after: Option<(UnixMillis, ManagementTokenId)>,
    limit: u32,
) -> Result<Vec<ManagementToken>, StoreError> {
    let sql = "SELECT id, account_id, name, scopes, lookup, hash, pepper_version, hint, created_at,
             expires_at, revoked_at, row_version, seal
         FROM management_tokens WHERE account_id = $1 AND (created_at, id) < ($2, $3)
         ORDER BY created_at DESC, id DESC LIMIT $4";
    let after = after.map_or((i64::MAX, String::new()), |(at, id)| (at.0, id.to_string()));
    rows::page(
        conn,
        sql,
        after,
        limit,
        |query, (at, id)| query.shown(account).bind(*at).bind(id.as_str()),
        |row| Ok((row.get(8)?, row.get(0)?)),
    )
    .await
}

/// A page of the tokens that are neither revoked nor expired at `now`, in the order of their ids.
/// A short page is the last one.
pub async fn live_page(
    conn: &mut Conn,
    now: UnixMillis,
    after: Option<ManagementTokenId>,
    limit: u32,
) -> Result<Vec<ManagementToken>, StoreError> {
    let sql = "SELECT id, account_id, name, scopes, lookup, hash, pepper_version, hint, created_at,
             expires_at, revoked_at, row_version, seal
         FROM management_tokens WHERE expires_at > $1 AND revoked_at IS NULL AND id > $2
         ORDER BY id LIMIT $3";
    rows::page(
        conn,
        sql,
        after.map_or_else(String::new, |id| id.to_string()),
        limit,
        |query, after: &String| query.time(now).bind(after.as_str()),
        rows::by_id,
    )
    .await
}

/// Those of the tokens that exist, ended ones too.
pub async fn by_ids(
    conn: &mut Conn,
    ids: &[ManagementTokenId],
) -> Result<Vec<ManagementToken>, StoreError> {
    let rows = conn
        .query2(
            "SELECT id, account_id, name, scopes, lookup, hash, pepper_version, hint, created_at,
                 expires_at, revoked_at, row_version, seal
             FROM management_tokens WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT id, account_id, name, scopes, lookup, hash, pepper_version, hint, created_at,
                 expires_at, revoked_at, row_version, seal
             FROM management_tokens
             WHERE id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(ids)?)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}
