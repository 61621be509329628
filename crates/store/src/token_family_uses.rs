//! Which access tokens of a family were used, in the usage database: a second may be lost.

use claviger_model::UnixMillis;
use claviger_model::ids::FamilyId;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, good, json_text};

/// Notes the latest generations whose access tokens were used; what is noted never goes back.
pub async fn note(tx: &mut Tx, uses: &[(FamilyId, u32)], at: UnixMillis) -> Result<(), StoreError> {
    let uses: Vec<(String, u32)> = uses.iter().map(|(id, at)| (id.to_string(), *at)).collect();
    tx.query2(
        "INSERT INTO token_family_uses (family_id, generation, used_at)
         SELECT value ->> 0, value ->> 1, $2 FROM json_each($1) WHERE true
         ON CONFLICT (family_id) DO UPDATE SET
             generation = max(token_family_uses.generation, excluded.generation),
             used_at = excluded.used_at",
        "INSERT INTO token_family_uses (family_id, generation, used_at)
         SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), $2
         FROM jsonb_array_elements(CAST($1 AS jsonb))
         ON CONFLICT (family_id) DO UPDATE SET
             generation = greatest(token_family_uses.generation, excluded.generation),
             used_at = excluded.used_at",
    )
    .bind(json_text(&uses)?)
    .time(at)
    .execute()
    .await?;
    Ok(())
}

/// The latest generation of a family whose access token was used; 0 when none was.
pub async fn newest(conn: &mut Conn, family: FamilyId) -> Result<u32, StoreError> {
    let query = conn.query("SELECT generation FROM token_family_uses WHERE family_id = $1");
    let row = query.shown(family).fetch_optional().await?;
    let generation = row.map(|row| row.get::<i64>(0)).transpose()?;
    Ok(u32::try_from(generation.unwrap_or_default()).unwrap_or(u32::MAX))
}

/// When an access token of each of the families was first used last, of those of which one was.
pub async fn last_used(
    conn: &mut Conn,
    families: &[FamilyId],
) -> Result<Vec<(FamilyId, UnixMillis)>, StoreError> {
    let rows = conn
        .query2(
            "SELECT family_id, used_at FROM token_family_uses
             WHERE family_id IN (SELECT value FROM json_each($1))",
            "SELECT family_id, used_at FROM token_family_uses
             WHERE family_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(families)?)
        .fetch_all()
        .await?;
    let pair = |row| {
        let mut fields = Fields::of("token_family_uses", row);
        Ok((fields.parsed()?, fields.time()?))
    };
    Ok(rows.iter().filter_map(|row| good(pair(row))).collect())
}

/// Deletes at most `limit` notes that are older than `before`; how many.
pub async fn delete_before(tx: &mut Tx, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM token_family_uses WHERE family_id IN
             (SELECT family_id FROM token_family_uses WHERE used_at < $1 LIMIT $2)",
    )
    .time(before)
    .bind(i64::from(limit))
    .execute()
    .await
}
