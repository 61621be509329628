//! What became of secrets. The table is in the database that
//! [`crate::Db::open_usage`] opens.

use std::collections::HashMap;

use claviger_model::ids::SecretId;
use claviger_model::secret_uses::{SecretUses, UsedSecret};
use claviger_model::{Reason, UnixMillis};
use serde_json::json;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, json_text};

const TABLE: &str = "secret_uses";

/// Uses of one secret that are not in the table yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewSecretUses {
    /// Which secret.
    pub secret: UsedSecret,
    /// The credential whose it is, by its id.
    pub owner_id: String,
    /// Its uses.
    pub uses: SecretUses,
}

/// The end of the statement: how a row takes further uses.
macro_rules! on_conflict {
    () => {
        "ON CONFLICT (secret_id) DO UPDATE SET
             used = secret_uses.used + excluded.used,
             refused = secret_uses.refused + excluded.refused,
             last_used_at = CASE WHEN excluded.last_used_at
                     >= COALESCE(secret_uses.last_used_at, excluded.last_used_at)
                 THEN excluded.last_used_at ELSE secret_uses.last_used_at END,
             last_used_ip = CASE WHEN excluded.last_used_at
                     >= COALESCE(secret_uses.last_used_at, excluded.last_used_at)
                 THEN excluded.last_used_ip ELSE secret_uses.last_used_ip END,
             last_used_agent = CASE WHEN excluded.last_used_at
                     >= COALESCE(secret_uses.last_used_at, excluded.last_used_at)
                 THEN excluded.last_used_agent ELSE secret_uses.last_used_agent END,
             last_refused_at = CASE WHEN excluded.last_refused_at
                     >= COALESCE(secret_uses.last_refused_at, excluded.last_refused_at)
                 THEN excluded.last_refused_at ELSE secret_uses.last_refused_at END,
             last_refused_ip = CASE WHEN excluded.last_refused_at
                     >= COALESCE(secret_uses.last_refused_at, excluded.last_refused_at)
                 THEN excluded.last_refused_ip ELSE secret_uses.last_refused_ip END,
             last_refused_reason = CASE WHEN excluded.last_refused_at
                     >= COALESCE(secret_uses.last_refused_at, excluded.last_refused_at)
                 THEN excluded.last_refused_reason ELSE secret_uses.last_refused_reason END"
    };
}

/// Adds uses, of each secret once at most: counts are added up, and of the last ones the later
/// stays. In the order of their secrets, so that nodes that add at the same time do not wait for
/// each other in a circle.
pub async fn add_many(tx: &mut Tx, new: &[NewSecretUses]) -> Result<(), StoreError> {
    let row = |new: &NewSecretUses| {
        json!([
            new.secret.to_string(),
            new.owner_id,
            new.uses.used,
            new.uses.refused,
            new.uses.last_used_at,
            new.uses.last_used_ip,
            new.uses.last_used_agent,
            new.uses.last_refused_at,
            new.uses.last_refused_ip,
            new.uses.last_refused_reason.map(Reason::as_str),
        ])
    };
    let mut sorted: Vec<_> = new.iter().collect();
    sorted.sort_unstable_by_key(|new| new.secret);
    let rows: Vec<_> = sorted.into_iter().map(row).collect();
    tx.query2(
        concat!(
            "INSERT INTO secret_uses (secret_id, owner_id, used, refused, last_used_at,
                 last_used_ip, last_used_agent, last_refused_at, last_refused_ip,
                 last_refused_reason)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
                 value ->> 6, value ->> 7, value ->> 8, value ->> 9
             FROM json_each($1) WHERE true ",
            on_conflict!(),
        ),
        concat!(
            "INSERT INTO secret_uses (secret_id, owner_id, used, refused, last_used_at,
                 last_used_ip, last_used_agent, last_refused_at, last_refused_ip,
                 last_refused_reason)
             SELECT v ->> 0, v ->> 1, CAST(v ->> 2 AS BIGINT), CAST(v ->> 3 AS BIGINT),
                 CAST(v ->> 4 AS BIGINT), v ->> 5, v ->> 6, CAST(v ->> 7 AS BIGINT), v ->> 8,
                 v ->> 9
             FROM jsonb_array_elements(CAST($1 AS jsonb)) AS t(v) ",
            on_conflict!(),
        ),
    )
    .bind(json_text(&rows)?)
    .execute()
    .await?;
    Ok(())
}

/// The uses of those of the secrets that have any.
pub async fn by_secrets(
    conn: &mut Conn,
    ids: &[SecretId],
) -> Result<HashMap<SecretId, SecretUses>, StoreError> {
    let rows = conn
        .query2(
            "SELECT secret_id, used, refused, last_used_at, last_used_ip, last_used_agent,
                 last_refused_at, last_refused_ip, last_refused_reason
             FROM secret_uses WHERE secret_id IN (SELECT value FROM json_each($1))",
            "SELECT secret_id, used, refused, last_used_at, last_used_ip, last_used_agent,
                 last_refused_at, last_refused_ip, last_refused_reason
             FROM secret_uses
             WHERE secret_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(ids)?)
        .fetch_all()
        .await?;
    let of_secret = |row| {
        let mut fields = Fields::of(TABLE, row);
        Ok((fields.parsed()?, uses(&mut fields)?))
    };
    rows.iter().map(of_secret).collect()
}

/// The uses of those of the credentials that have any, by the ids of these: of all their secrets
/// together.
pub async fn by_owners(
    conn: &mut Conn,
    ids: &[String],
) -> Result<HashMap<String, SecretUses>, StoreError> {
    let rows = conn
        .query2(
            "SELECT owner_id, used, refused, last_used_at, last_used_ip, last_used_agent,
                 last_refused_at, last_refused_ip, last_refused_reason
             FROM secret_uses WHERE owner_id IN (SELECT value FROM json_each($1))",
            "SELECT owner_id, used, refused, last_used_at, last_used_ip, last_used_agent,
                 last_refused_at, last_refused_ip, last_refused_reason
             FROM secret_uses
             WHERE owner_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(ids)?)
        .fetch_all()
        .await?;
    let mut found: HashMap<String, SecretUses> = HashMap::new();
    for row in &rows {
        let mut fields = Fields::of(TABLE, row);
        let owner = fields.text()?;
        found.entry(owner).or_default().add(uses(&mut fields)?);
    }
    Ok(found)
}

/// How many of the credentials of a JSON list of ids were used after a time.
pub async fn count_used_after(
    conn: &mut Conn,
    ids: String,
    after: UnixMillis,
) -> Result<i64, StoreError> {
    conn.query2(
        "SELECT COUNT(DISTINCT owner_id) FROM secret_uses WHERE last_used_at > $2
             AND owner_id IN (SELECT value FROM json_each($1))",
        "SELECT COUNT(DISTINCT owner_id) FROM secret_uses WHERE last_used_at > $2
             AND owner_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
    )
    .bind(ids)
    .time(after)
    .fetch_one()
    .await?
    .get(0)
}

fn uses(fields: &mut Fields<'_>) -> Result<SecretUses, StoreError> {
    Ok(SecretUses {
        used: fields.int()?,
        refused: fields.int()?,
        last_used_at: fields.optional_time()?,
        last_used_ip: fields.optional_parsed()?,
        last_used_agent: fields.optional_text()?,
        last_refused_at: fields.optional_time()?,
        last_refused_ip: fields.optional_parsed()?,
        // A word of a later version says nothing to this one.
        last_refused_reason: fields.optional_text()?.as_deref().and_then(Reason::parse),
    })
}
