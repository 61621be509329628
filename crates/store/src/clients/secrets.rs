//! The secrets of clients.

use std::collections::HashMap;

use claviger_model::clients::ClientSecret;
use claviger_model::ids::{ClientId, SecretId};
use claviger_model::seal::Sealed as _;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, Stored, json_text, one_row, open_good, open_one};

impl Stored for ClientSecret {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: fields.parsed()?,
            client_id: fields.parsed()?,
            stored: fields.stored_secret()?,
            description: fields.text()?,
            created_at: fields.time()?,
            expires_at: fields.optional_time()?,
            revoked_at: fields.optional_time()?,
            revoked_by: fields.optional_text()?,
            version: fields.int()?,
        })
    }
}

/// Adds a secret.
pub async fn insert_secret(tx: &mut Tx, secret: &ClientSecret) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(secret);
    tx.query(
        "INSERT INTO client_secrets (id, client_id, lookup, hash, pepper_version, hint,
             description, created_at, expires_at, revoked_at, revoked_by, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .shown(secret.id)
    .shown(secret.client_id)
    .bind(secret.stored.lookup.to_text())
    .bind(secret.stored.hash.as_slice())
    .bind(i64::from(secret.stored.pepper_version))
    .bind(secret.stored.hint.as_str())
    .bind(secret.description.as_str())
    .time(secret.created_at)
    .time_option(secret.expires_at)
    .time_option(secret.revoked_at)
    .bind(secret.revoked_by.as_deref())
    .bind(secret.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes end and revocation of a secret over the version before it.
pub async fn update_secret(tx: &mut Tx, secret: &ClientSecret) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(secret);
    let touched = tx
        .query(
            "UPDATE client_secrets SET expires_at = $2, revoked_at = $3, revoked_by = $4,
                 row_version = $5, seal = $6
             WHERE id = $1 AND row_version = $5 - 1",
        )
        .shown(secret.id)
        .time_option(secret.expires_at)
        .time_option(secret.revoked_at)
        .bind(secret.revoked_by.as_deref())
        .bind(secret.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, ClientSecret::TABLE)
}

/// The secret, when it belongs to the client.
pub async fn secret(
    conn: &mut Conn,
    client: ClientId,
    id: SecretId,
) -> Result<Option<ClientSecret>, StoreError> {
    let row = conn
        .query(
            "SELECT id, client_id, lookup, hash, pepper_version, hint, description, created_at,
                 expires_at, revoked_at, revoked_by, row_version, seal
             FROM client_secrets WHERE id = $1 AND client_id = $2",
        )
        .shown(id)
        .shown(client)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// The secrets of a client, the oldest first; revoked and expired ones too.
pub async fn secrets(conn: &mut Conn, client: ClientId) -> Result<Vec<ClientSecret>, StoreError> {
    let found = secrets_of(conn, &[client]).await?;
    Ok(found.into_values().next().unwrap_or_default())
}

/// The secrets of each of the clients, the oldest first.
pub async fn secrets_of(
    conn: &mut Conn,
    clients: &[ClientId],
) -> Result<HashMap<ClientId, Vec<ClientSecret>>, StoreError> {
    let rows = conn
        .query2(
            "SELECT id, client_id, lookup, hash, pepper_version, hint, description, created_at,
                 expires_at, revoked_at, revoked_by, row_version, seal
             FROM client_secrets WHERE client_id IN (SELECT value FROM json_each($1))
             ORDER BY client_id, id",
            "SELECT id, client_id, lookup, hash, pepper_version, hint, description, created_at,
                 expires_at, revoked_at, revoked_by, row_version, seal
             FROM client_secrets
             WHERE client_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))
             ORDER BY client_id, id",
        )
        .bind(json_text(clients)?)
        .fetch_all()
        .await?;
    let mut by_client: HashMap<ClientId, Vec<ClientSecret>> = HashMap::with_capacity(clients.len());
    for secret in open_good::<ClientSecret>(conn, &rows) {
        by_client.entry(secret.client_id).or_default().push(secret);
    }
    Ok(by_client)
}
