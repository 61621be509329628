//! Authorization codes.

use claviger_model::UnixMillis;
use claviger_model::codes::AuthorizationCode;
use claviger_model::ids::FamilyId;
use claviger_model::secret::Lookup;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, Stored, json_text, open_one};

impl Stored for AuthorizationCode {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            stored: fields.stored_secret()?,
            client_id: fields.parsed()?,
            grant_id: fields.parsed()?,
            redirect_uri: fields.text()?,
            is_redirect_uri_named: fields.int()? == 1,
            challenge: fields.optional_text()?,
            authorized: fields.json()?,
            created_at: fields.time()?,
            expires_at: fields.time()?,
            used: used(fields)?,
            version: fields.int()?,
        })
    }
}

/// Adds a code.
pub async fn insert(tx: &mut Tx, code: &AuthorizationCode) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(code);
    let (used_at, family) = code.used.unzip();
    tx.query(
        "INSERT INTO authorization_codes (lookup, hash, pepper_version, hint, client_id, grant_id,
             redirect_uri, redirect_uri_named, challenge, authorized, created_at, expires_at,
             used_at, family_id, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(code.stored.lookup.to_text())
    .bind(code.stored.hash.as_slice())
    .bind(i64::from(code.stored.pepper_version))
    .bind(code.stored.hint.as_str())
    .shown(code.client_id)
    .shown(code.grant_id)
    .bind(code.redirect_uri.as_str())
    .bind(i64::from(code.is_redirect_uri_named))
    .bind(code.challenge.as_deref())
    .bind(json_text(&code.authorized)?)
    .time(code.created_at)
    .time(code.expires_at)
    .time_option(used_at)
    .shown_option(family)
    .bind(code.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes that a code was exchanged: one statement, which exactly one exchange of a code does.
/// Whether it was this one.
pub async fn spend(tx: &mut Tx, exchanged: &AuthorizationCode) -> Result<bool, StoreError> {
    let seal = tx.keyring().seal(exchanged);
    let (used_at, family) = exchanged.used.unzip();
    let touched = tx
        .query(
            "UPDATE authorization_codes SET used_at = $2, family_id = $3, row_version = $4,
                 seal = $5
             WHERE lookup = $1 AND row_version = $4 - 1 AND used_at IS NULL",
        )
        .bind(exchanged.stored.lookup.to_text())
        .time_option(used_at)
        .shown_option(family)
        .bind(exchanged.version)
        .bind(seal)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// The code with this public identifier; its hash is not compared here.
pub async fn by_lookup(
    conn: &mut Conn,
    lookup: Lookup,
) -> Result<Option<AuthorizationCode>, StoreError> {
    let row = conn
        .query(
            "SELECT lookup, hash, pepper_version, hint, client_id, grant_id, redirect_uri,
                 redirect_uri_named, challenge, authorized, created_at, expires_at, used_at,
                 family_id, row_version, seal
             FROM authorization_codes WHERE lookup = $1",
        )
        .bind(lookup.to_text())
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// Deletes at most `limit` codes that ended before `before`; how many.
pub async fn delete_before(tx: &mut Tx, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM authorization_codes WHERE lookup IN
             (SELECT lookup FROM authorization_codes WHERE expires_at < $1 LIMIT $2)",
    )
    .time(before)
    .bind(i64::from(limit))
    .execute()
    .await
}

fn used(fields: &mut Fields<'_>) -> Result<Option<(UnixMillis, FamilyId)>, StoreError> {
    match (fields.optional_time()?, fields.optional_parsed()?) {
        (None, None) => Ok(None),
        (Some(at), Some(family)) => Ok(Some((at, family))),
        _ => Err(fields.corrupt()),
    }
}
