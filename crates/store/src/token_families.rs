//! Families of refresh tokens: all that came from one authorization.

use claviger_model::UnixMillis;
use claviger_model::ids::{FamilyId, GrantId};
use claviger_model::refresh::TokenFamily;
use claviger_model::seal::Sealed as _;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{self, Fields, Stored, good, json_text, one_row, open_good, open_one};

impl Stored for TokenFamily {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: fields.parsed()?,
            grant_id: fields.parsed()?,
            client_id: fields.parsed()?,
            authorized: fields.json()?,
            generation: fields.small()?,
            used_generation: fields.small()?,
            created_at: fields.time()?,
            expires_at: fields.time()?,
            ended_at: fields.optional_time()?,
            version: fields.int()?,
        })
    }
}

/// Adds a family.
pub async fn insert(tx: &mut Tx, family: &TokenFamily) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(family);
    tx.query(
        "INSERT INTO token_families (id, grant_id, client_id, authorized, generation,
             used_generation, created_at, expires_at, ended_at, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .shown(family.id)
    .shown(family.grant_id)
    .shown(family.client_id)
    .bind(json_text(&family.authorized)?)
    .bind(i64::from(family.generation))
    .bind(i64::from(family.used_generation))
    .time(family.created_at)
    .time(family.expires_at)
    .time_option(family.ended_at)
    .bind(family.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes a changed family over the version before it.
pub async fn update(tx: &mut Tx, family: &TokenFamily) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(family);
    let touched = tx
        .query(
            "UPDATE token_families SET generation = $2, used_generation = $3, expires_at = $4,
                 ended_at = $5, row_version = $6, seal = $7
             WHERE id = $1 AND row_version = $6 - 1",
        )
        .shown(family.id)
        .bind(i64::from(family.generation))
        .bind(i64::from(family.used_generation))
        .time(family.expires_at)
        .time_option(family.ended_at)
        .bind(family.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, TokenFamily::TABLE)
}

/// Takes the family's row, so that whoever else wants to refresh or end it waits until this
/// transaction ends.
pub async fn lock(tx: &mut Tx, id: FamilyId) -> Result<(), StoreError> {
    let query = tx.query("UPDATE token_families SET row_version = row_version WHERE id = $1");
    query.shown(id).execute().await.map(drop)
}

/// The family.
pub async fn get(conn: &mut Conn, id: FamilyId) -> Result<Option<TokenFamily>, StoreError> {
    let row = conn
        .query(
            "SELECT id, grant_id, client_id, authorized, generation, used_generation, created_at,
                 expires_at, ended_at, row_version, seal
             FROM token_families WHERE id = $1",
        )
        .shown(id)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// Those of the families that exist and can be trusted.
pub async fn by_ids(conn: &mut Conn, ids: &[FamilyId]) -> Result<Vec<TokenFamily>, StoreError> {
    let rows = conn
        .query2(
            "SELECT id, grant_id, client_id, authorized, generation, used_generation, created_at,
                 expires_at, ended_at, row_version, seal
             FROM token_families WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT id, grant_id, client_id, authorized, generation, used_generation, created_at,
                 expires_at, ended_at, row_version, seal
             FROM token_families
             WHERE id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(ids)?)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

/// The ids of all families that came of each of the grants.
pub async fn ids_of_grants(
    conn: &mut Conn,
    grants: &[GrantId],
) -> Result<Vec<(GrantId, FamilyId)>, StoreError> {
    let rows = conn
        .query2(
            "SELECT grant_id, id FROM token_families
             WHERE grant_id IN (SELECT value FROM json_each($1))",
            "SELECT grant_id, id FROM token_families
             WHERE grant_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(grants)?)
        .fetch_all()
        .await?;
    let pair = |row| {
        let mut fields = Fields::of(TokenFamily::TABLE, row);
        Ok((fields.parsed()?, fields.parsed()?))
    };
    Ok(rows.iter().filter_map(|row| good(pair(row))).collect())
}

/// A page of the families that were ended after `since`, in the order of their ids. A short page
/// is the last one.
pub async fn ended_page(
    conn: &mut Conn,
    since: UnixMillis,
    after: Option<FamilyId>,
    limit: u32,
) -> Result<Vec<TokenFamily>, StoreError> {
    let sql = "SELECT id, grant_id, client_id, authorized, generation, used_generation, created_at,
             expires_at, ended_at, row_version, seal
         FROM token_families WHERE ended_at > $1 AND id > $2 ORDER BY id LIMIT $3";
    let after = after.map_or_else(String::new, |id| id.to_string());
    rows::page(
        conn,
        sql,
        after,
        limit,
        |query, after: &String| query.time(since).bind(after.as_str()),
        rows::by_id,
    )
    .await
}

/// Deletes at most `limit` families whose last refresh token ended before `before`; how many.
pub async fn delete_before(tx: &mut Tx, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM token_families WHERE id IN
             (SELECT id FROM token_families WHERE expires_at < $1 LIMIT $2)",
    )
    .time(before)
    .bind(i64::from(limit))
    .execute()
    .await
}
