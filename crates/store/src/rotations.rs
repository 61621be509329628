//! Rotations of the secrets of clients that are under way.

use std::collections::HashMap;

use claviger_model::ids::ClientId;
use claviger_model::rotations::{OldEnds, Rotation};
use claviger_model::seal::Sealed as _;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, Stored, json_text, one_row, open_good, open_one};

impl Stored for Rotation {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            client_id: fields.parsed()?,
            secret_id: fields.parsed()?,
            old_ends: old_ends(fields)?,
            old: fields.json()?,
            started_by: fields.text()?,
            started_at: fields.time()?,
            first_used_at: fields.optional_time()?,
            version: fields.int()?,
        })
    }
}

/// Adds the rotation of a client that has none.
pub async fn insert(tx: &mut Tx, rotation: &Rotation) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(rotation);
    tx.query(
        "INSERT INTO rotations (client_id, secret_id, old_ends, grace_seconds, ends_at,
             old_secrets, started_by, started_at, first_used_at, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .shown(rotation.client_id)
    .shown(rotation.secret_id)
    .bind(rotation.old_ends.as_str())
    .bind(rotation.old_ends.grace_seconds().map(i64::from))
    .time_option(rotation.old_ends.at())
    .bind(json_text(&rotation.old)?)
    .bind(rotation.started_by.as_str())
    .time(rotation.started_at)
    .time_option(rotation.first_used_at)
    .bind(rotation.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes another plan, or the first use, over the version before it.
pub async fn update(tx: &mut Tx, rotation: &Rotation) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(rotation);
    let touched = tx
        .query(
            "UPDATE rotations SET old_ends = $2, grace_seconds = $3, ends_at = $4,
                 old_secrets = $5, first_used_at = $6, row_version = $7, seal = $8
             WHERE client_id = $1 AND row_version = $7 - 1",
        )
        .shown(rotation.client_id)
        .bind(rotation.old_ends.as_str())
        .bind(rotation.old_ends.grace_seconds().map(i64::from))
        .time_option(rotation.old_ends.at())
        .bind(json_text(&rotation.old)?)
        .time_option(rotation.first_used_at)
        .bind(rotation.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, Rotation::TABLE)
}

/// Forgets the rotation of a client, if it has one.
pub async fn delete(tx: &mut Tx, client: ClientId) -> Result<(), StoreError> {
    let query = tx.query("DELETE FROM rotations WHERE client_id = $1");
    query.shown(client).execute().await.map(drop)
}

/// The rotation of a client.
pub async fn get(conn: &mut Conn, client: ClientId) -> Result<Option<Rotation>, StoreError> {
    let row = conn
        .query(
            "SELECT client_id, secret_id, old_ends, grace_seconds, ends_at, old_secrets,
                 started_by, started_at, first_used_at, row_version, seal
             FROM rotations WHERE client_id = $1",
        )
        .shown(client)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// The rotations of those of the clients that have one.
pub async fn of_clients(
    conn: &mut Conn,
    clients: &[ClientId],
) -> Result<HashMap<ClientId, Rotation>, StoreError> {
    let rows = conn
        .query2(
            "SELECT client_id, secret_id, old_ends, grace_seconds, ends_at, old_secrets,
                 started_by, started_at, first_used_at, row_version, seal
             FROM rotations WHERE client_id IN (SELECT value FROM json_each($1))",
            "SELECT client_id, secret_id, old_ends, grace_seconds, ends_at, old_secrets,
                 started_by, started_at, first_used_at, row_version, seal
             FROM rotations
             WHERE client_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(clients)?)
        .fetch_all()
        .await?;
    let found = open_good::<Rotation>(conn, &rows).into_iter();
    Ok(found.map(|found| (found.client_id, found)).collect())
}

/// At most `limit` rotations whose new secret was not seen in use, after that client's.
pub async fn waiting(
    conn: &mut Conn,
    after: Option<ClientId>,
    limit: u32,
) -> Result<Vec<Rotation>, StoreError> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let rows = conn
        .query(
            "SELECT client_id, secret_id, old_ends, grace_seconds, ends_at, old_secrets,
                 started_by, started_at, first_used_at, row_version, seal
             FROM rotations WHERE first_used_at IS NULL AND client_id > $1
             ORDER BY client_id LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

fn old_ends(fields: &mut Fields<'_>) -> Result<OldEnds, StoreError> {
    let word = fields.text()?;
    let (grace, at) = (fields.optional_small()?, fields.optional_time()?);
    OldEnds::restore(&word, grace, at).ok_or_else(|| fields.corrupt())
}
