//! Keys with their secrets, for the index: in bulk, and with what had to be skipped.

use std::collections::HashMap;

use claviger_model::credentials::KeySecret;
use claviger_model::ids::KeyId;
use claviger_model::keys::ApiKey;

use crate::db::{Conn, Row};
use crate::error::StoreError;
use crate::rows::{BadRow, bad_row, json_text, open, open_good};

/// Keys with their secrets, and the rows that were skipped.
type Loaded = (Vec<(ApiKey, Vec<KeySecret>)>, Vec<BadRow>);

/// A page of all keys, in the order of their ids, with their secrets. Revoked ones are among them:
/// their holder is told that they were revoked, not that they are unknown. The last page is the
/// one without keys. Bad rows are told of and left out.
pub async fn resident_page(
    conn: &mut Conn,
    after: Option<KeyId>,
    limit: u32,
) -> Result<Loaded, StoreError> {
    let mut after = after.map_or_else(String::new, |id| id.to_string());
    let mut skipped = Vec::new();
    loop {
        let rows = conn
            .query(
                "SELECT id, account_id, environment, name, description, scopes, expires_at,
                     allowed_ips, rate_limit, rate_window_seconds, state, state_at, revoked_by,
                     created_by, created_at, row_version, seal
                 FROM keys WHERE id > $1 ORDER BY id LIMIT $2",
            )
            .bind(after.as_str())
            .bind(i64::from(limit))
            .fetch_all()
            .await?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Ok((Vec::new(), skipped));
        };
        let first: String = first.get(0)?;
        let last: String = last.get(0)?;
        let (keys, bad) = open_keys(conn, &rows)?;
        // What is bad after the last good key comes again with the next page.
        let end = keys
            .last()
            .map_or_else(|| last.clone(), |key| key.id.to_string());
        skipped.extend(bad.into_iter().filter(|row| row.id <= end));
        if keys.is_empty() {
            after = last;
            continue;
        }
        let secrets = conn
            .query(
                "SELECT id, key_id, lookup, hash, pepper_version, hint, created_at, row_version,
                     seal
                 FROM key_secrets WHERE key_id >= $1 AND key_id <= $2 ORDER BY key_id, id",
            )
            .bind(first)
            .bind(end)
            .fetch_all()
            .await?;
        return joined(conn, keys, &secrets, skipped);
    }
}

/// Those of the keys that exist, revoked ones too, with their secrets.
pub async fn by_ids(conn: &mut Conn, ids: &[KeyId]) -> Result<Loaded, StoreError> {
    let ids = json_text(ids)?;
    let rows = conn
        .query2(
            "SELECT id, account_id, environment, name, description, scopes, expires_at,
                 allowed_ips, rate_limit, rate_window_seconds, state, state_at, revoked_by,
                 created_by, created_at, row_version, seal
             FROM keys WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT id, account_id, environment, name, description, scopes, expires_at,
                 allowed_ips, rate_limit, rate_window_seconds, state, state_at, revoked_by,
                 created_by, created_at, row_version, seal
             FROM keys WHERE id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(ids.as_str())
        .fetch_all()
        .await?;
    let (keys, skipped) = open_keys(conn, &rows)?;
    let secrets = secret_rows(conn, ids).await?;
    joined(conn, keys, &secrets, skipped)
}

/// The secrets of each of the keys, the oldest first.
pub async fn secrets_of(
    conn: &mut Conn,
    ids: &[KeyId],
) -> Result<HashMap<KeyId, Vec<KeySecret>>, StoreError> {
    let rows = secret_rows(conn, json_text(ids)?).await?;
    let mut by_key: HashMap<KeyId, Vec<KeySecret>> = HashMap::with_capacity(ids.len());
    for secret in open_good::<KeySecret>(conn, &rows) {
        by_key.entry(secret.key_id).or_default().push(secret);
    }
    Ok(by_key)
}

async fn secret_rows(conn: &mut Conn, ids: String) -> Result<Vec<Row>, StoreError> {
    conn.query2(
        "SELECT id, key_id, lookup, hash, pepper_version, hint, created_at, row_version, seal
             FROM key_secrets WHERE key_id IN (SELECT value FROM json_each($1))
             ORDER BY key_id, id",
        "SELECT id, key_id, lookup, hash, pepper_version, hint, created_at, row_version, seal
             FROM key_secrets
             WHERE key_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))
             ORDER BY key_id, id",
    )
    .bind(ids)
    .fetch_all()
    .await
}

fn open_keys(conn: &Conn, rows: &[Row]) -> Result<(Vec<ApiKey>, Vec<BadRow>), StoreError> {
    let mut keys = Vec::with_capacity(rows.len());
    let mut skipped = Vec::new();
    for row in rows {
        match open(conn, row) {
            Ok(key) => keys.push(key),
            Err(error) => skipped.push(bad_row(error)?),
        }
    }
    Ok((keys, skipped))
}

/// Gives each key its secrets. Those of keys that were skipped are skipped with them.
fn joined(
    conn: &Conn,
    keys: Vec<ApiKey>,
    rows: &[Row],
    mut skipped: Vec<BadRow>,
) -> Result<Loaded, StoreError> {
    let place = |(place, key): (usize, &ApiKey)| (key.id, place);
    let places: HashMap<KeyId, usize> = keys.iter().enumerate().map(place).collect();
    let mut loaded: Vec<(ApiKey, Vec<KeySecret>)> = Vec::with_capacity(keys.len());
    loaded.extend(keys.into_iter().map(|key| (key, Vec::with_capacity(1))));
    for row in rows {
        let key_id = row.get::<&str>(1)?.parse::<KeyId>().ok();
        match key_id.and_then(|id| places.get(&id)) {
            None => {}
            Some(place) => match open::<KeySecret>(conn, row) {
                Ok(secret) => loaded[*place].1.push(secret),
                Err(error) => skipped.push(bad_row(error)?),
            },
        }
    }
    Ok((loaded, skipped))
}
