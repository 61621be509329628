//! Keys with their secrets, for the index: in bulk, and with what had to be skipped.

use std::collections::HashMap;

use claviger_model::credentials::KeySecret;
use claviger_model::ids::KeyId;
use claviger_model::keys::ApiKey;
use claviger_model::seal::Sealed as _;

use crate::db::{Conn, Row};
use crate::error::StoreError;
use crate::rows::{BadRow, Bulk, Opened, Stored, json_text, open_bulk, open_each, open_good};

/// Below this, keys are not worth being loaded in parts.
const PARTED_KEYS_MIN: i64 = 1_000;

/// Keys with their secrets, and the rows that were skipped.
type Loaded = Opened<(ApiKey, Vec<KeySecret>)>;

/// A page of all keys, in the order of their ids, with their secrets. Revoked ones are among them:
/// their holder is told that they were revoked, not that they are unknown. The last page is the
/// one without keys. Bad rows are told of and left out.
pub async fn resident_page(
    conn: &mut Conn,
    after: Option<KeyId>,
    limit: u32,
) -> Result<Loaded, StoreError> {
    resident_range(conn, after, None, limit).await
}

/// The same of the keys up to `until`, that one included: for several that load at once, each a
/// part of [`parts`].
pub async fn resident_range(
    conn: &mut Conn,
    after: Option<KeyId>,
    until: Option<KeyId>,
    limit: u32,
) -> Result<Loaded, StoreError> {
    let mut after = after.map_or_else(String::new, |id| id.to_string());
    // Above every id there is: those start with a letter.
    let until = until.map_or_else(|| "~".to_owned(), |id| id.to_string());
    let mut skipped = Vec::new();
    while let Some(last) = page_end(conn, &after, &until, limit).await? {
        let (loaded, bad) = if let Some(loaded) = in_bulk(conn, &after, &last).await? {
            loaded
        } else {
            // There is a text that is none, in whichever row.
            let ids = ids_between(conn, &after, &last).await?;
            one_by_one(conn, ids).await?
        };
        let Some((end, _)) = loaded.last() else {
            skipped.extend(bad);
            after = last;
            continue;
        };
        // What is bad after the last good key comes again with the next page.
        let end = end.id.to_string();
        let is_later = |row: &BadRow| row.table == ApiKey::TABLE && row.id > end;
        skipped.extend(bad.into_iter().filter(|row| !is_later(row)));
        return Ok((loaded, skipped));
    }
    Ok((Vec::new(), skipped))
}

/// Those of the keys that exist, revoked ones too, with their secrets.
pub async fn by_ids(conn: &mut Conn, ids: &[KeyId]) -> Result<Loaded, StoreError> {
    one_by_one(conn, json_text(ids)?).await
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

/// Ids that divide all keys into about `count` equal parts: each part ends with one of them, the
/// last has no end. None for few keys, which are not worth it.
pub async fn parts(conn: &mut Conn, count: u32) -> Result<Vec<KeyId>, StoreError> {
    let query = conn.query("SELECT COUNT(*) FROM keys");
    let keys: i64 = query.fetch_one().await?.get(0)?;
    if keys < PARTED_KEYS_MIN {
        return Ok(Vec::new());
    }
    let mut ends = Vec::new();
    for part in 1..i64::from(count) {
        let row = conn
            .query("SELECT id FROM keys ORDER BY id LIMIT 1 OFFSET $1")
            .bind(keys * part / i64::from(count))
            .fetch_optional()
            .await?;
        if let Some(row) = row {
            // One that is no id leaves two parts together.
            ends.extend(row.get::<&str>(0)?.parse::<KeyId>().ok());
        }
    }
    Ok(ends)
}

/// The last id of the page after `after`, at most `until`; none when there is nothing more.
async fn page_end(
    conn: &mut Conn,
    after: &str,
    until: &str,
    limit: u32,
) -> Result<Option<String>, StoreError> {
    conn.query(
        "SELECT MAX(id) FROM
             (SELECT id FROM keys WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3) AS page",
    )
    .bind(after)
    .bind(until)
    .bind(i64::from(limit))
    .fetch_one()
    .await?
    .get(0)
}

/// The keys above `after` up to `last`; `None` when they cannot be read as one text.
async fn in_bulk(conn: &mut Conn, after: &str, last: &str) -> Result<Option<Loaded>, StoreError> {
    let row = conn
        .query2(
            "SELECT json_group_array(json_array(id, account_id, environment, name, description,
                 scopes, expires_at, allowed_ips, rate_limit, rate_window_seconds, rate_ceiling,
                 rate_ceiling_window_seconds, state, state_at, revoked_by, created_by, created_at,
                 row_version, hex(seal)))
             FROM keys WHERE id > $1 AND id <= $2",
            "SELECT CAST(COALESCE(json_agg(json_build_array(id, account_id, environment, name,
                 description, scopes, expires_at, allowed_ips, rate_limit, rate_window_seconds,
                 rate_ceiling, rate_ceiling_window_seconds, state, state_at, revoked_by,
                 created_by, created_at, row_version,
                 encode(seal, 'hex'))), '[]') AS TEXT)
             FROM keys WHERE id > $1 AND id <= $2",
        )
        .bind(after)
        .bind(last)
        .fetch_one()
        .await?;
    let Some((mut keys, mut skipped)) = opened::<ApiKey>(conn, &row)? else {
        return Ok(None);
    };
    let row = conn
        .query2(
            "SELECT json_group_array(json_array(id, key_id, lookup, hex(hash), pepper_version,
                 hint, created_at, row_version, hex(seal)))
             FROM key_secrets WHERE key_id > $1 AND key_id <= $2",
            "SELECT CAST(COALESCE(json_agg(json_build_array(id, key_id, lookup,
                 encode(hash, 'hex'), pepper_version, hint, created_at, row_version,
                 encode(seal, 'hex'))), '[]') AS TEXT)
             FROM key_secrets WHERE key_id > $1 AND key_id <= $2",
        )
        .bind(after)
        .bind(last)
        .fetch_one()
        .await?;
    let Some((secrets, bad)) = opened::<KeySecret>(conn, &row)? else {
        return Ok(None);
    };
    skipped.extend(bad);
    keys.sort_unstable_by_key(|key| key.id);
    Ok(Some((joined(keys, secrets), skipped)))
}

/// Opens the page that is the one column of `row`.
fn opened<T: Stored>(conn: &Conn, row: &Row) -> Result<Option<Opened<T>>, StoreError> {
    match Bulk::of(row) {
        Ok(page) => open_bulk(conn, &page),
        Err(_) => Ok(None),
    }
}

/// The ids above `after` up to `last`, as a JSON list.
async fn ids_between(conn: &mut Conn, after: &str, last: &str) -> Result<String, StoreError> {
    let rows = conn
        .query("SELECT id FROM keys WHERE id > $1 AND id <= $2")
        .bind(after)
        .bind(last)
        .fetch_all()
        .await?;
    let ids: Vec<String> = rows
        .iter()
        .map(|row| row.get(0))
        .collect::<Result<_, _>>()?;
    json_text(&ids)
}

/// The keys of a JSON list of ids, in the order of their ids.
async fn one_by_one(conn: &mut Conn, ids: String) -> Result<Loaded, StoreError> {
    let rows = conn
        .query2(
            "SELECT id, account_id, environment, name, description, scopes, expires_at,
                 allowed_ips, rate_limit, rate_window_seconds, rate_ceiling,
                 rate_ceiling_window_seconds, state, state_at, revoked_by, created_by, created_at,
                 row_version, seal
             FROM keys WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT id, account_id, environment, name, description, scopes, expires_at,
                 allowed_ips, rate_limit, rate_window_seconds, rate_ceiling,
                 rate_ceiling_window_seconds, state, state_at, revoked_by, created_by, created_at,
                 row_version, seal
             FROM keys WHERE id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(ids.as_str())
        .fetch_all()
        .await?;
    let (mut keys, mut skipped) = open_each::<ApiKey>(conn, &rows)?;
    let rows = secret_rows(conn, ids).await?;
    let (secrets, bad) = open_each(conn, &rows)?;
    skipped.extend(bad);
    keys.sort_unstable_by_key(|key| key.id);
    Ok((joined(keys, secrets), skipped))
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

/// Gives each key, in the order of their ids, its secrets. Those of keys that were skipped are
/// skipped with them.
fn joined(keys: Vec<ApiKey>, mut secrets: Vec<KeySecret>) -> Vec<(ApiKey, Vec<KeySecret>)> {
    secrets.sort_unstable_by_key(|secret| (secret.key_id, secret.id));
    let mut secrets = secrets.into_iter().peekable();
    let with_secrets = |key: ApiKey| {
        while secrets.next_if(|secret| secret.key_id < key.id).is_some() {}
        let own = std::iter::from_fn(|| secrets.next_if(|secret| secret.key_id == key.id));
        let own = own.collect();
        (key, own)
    };
    keys.into_iter().map(with_secrets).collect()
}
