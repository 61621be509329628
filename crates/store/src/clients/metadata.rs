//! What clients are beside their settings: one sealed text, because it is only ever read whole.

use std::collections::HashMap;

use claviger_model::clients::{ClientMetadata, MetadataRow};
use claviger_model::ids::ClientId;
use claviger_model::seal::Sealed as _;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, Stored, good, json_text, one_row, open_good, open_one};

impl Stored for MetadataRow {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            client_id: fields.parsed()?,
            metadata: fields.text()?,
            document_url: fields.optional_text()?,
            version: fields.int()?,
        })
    }
}

/// Adds the metadata of a client whose row has this version.
pub async fn insert_metadata(
    tx: &mut Tx,
    client_id: ClientId,
    metadata: &ClientMetadata,
    version: i64,
) -> Result<(), StoreError> {
    let row = row(client_id, metadata, version)?;
    let seal = tx.keyring().seal(&row);
    tx.query(
        "INSERT INTO client_metadata (client_id, metadata, document_url, row_version, seal)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .shown(row.client_id)
    .bind(row.metadata.as_str())
    .bind(row.document_url.as_deref())
    .bind(row.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes changed metadata of a client whose row has this version now.
pub async fn update_metadata(
    tx: &mut Tx,
    client_id: ClientId,
    metadata: &ClientMetadata,
    version: i64,
) -> Result<(), StoreError> {
    let row = row(client_id, metadata, version)?;
    let seal = tx.keyring().seal(&row);
    let touched = tx
        .query(
            "UPDATE client_metadata SET metadata = $2, document_url = $3, row_version = $4,
                 seal = $5
             WHERE client_id = $1 AND row_version < $4",
        )
        .shown(row.client_id)
        .bind(row.metadata.as_str())
        .bind(row.document_url.as_deref())
        .bind(row.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, MetadataRow::TABLE)
}

/// Removes the metadata of a client that has nothing to keep any more.
pub async fn delete_metadata(tx: &mut Tx, client_id: ClientId) -> Result<(), StoreError> {
    let query = tx.query("DELETE FROM client_metadata WHERE client_id = $1");
    query.shown(client_id).execute().await.map(drop)
}

/// The metadata of a client that has some.
pub async fn metadata(
    conn: &mut Conn,
    client_id: ClientId,
) -> Result<Option<ClientMetadata>, StoreError> {
    let row = conn
        .query(
            "SELECT client_id, metadata, document_url, row_version, seal
             FROM client_metadata WHERE client_id = $1",
        )
        .shown(client_id)
        .fetch_optional()
        .await?;
    let row: Option<MetadataRow> = open_one(conn, row)?;
    row.map(|row| read(&row)).transpose()
}

/// The metadata of those of the clients that have some and can be trusted.
pub async fn metadata_of(
    conn: &mut Conn,
    client_ids: &[ClientId],
) -> Result<HashMap<ClientId, ClientMetadata>, StoreError> {
    let rows = conn
        .query2(
            "SELECT client_id, metadata, document_url, row_version, seal FROM client_metadata
             WHERE client_id IN (SELECT value FROM json_each($1))",
            "SELECT client_id, metadata, document_url, row_version, seal FROM client_metadata
             WHERE client_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(client_ids)?)
        .fetch_all()
        .await?;
    let found = open_good::<MetadataRow>(conn, &rows).into_iter();
    Ok(found
        .filter_map(|row| Some((row.client_id, good(read(&row))?)))
        .collect())
}

/// The client that the document at this address describes.
pub async fn documented(conn: &mut Conn, url: &str) -> Result<Option<ClientId>, StoreError> {
    let row = conn
        .query(
            "SELECT client_id, metadata, document_url, row_version, seal
             FROM client_metadata WHERE document_url = $1",
        )
        .bind(url)
        .fetch_optional()
        .await?;
    let row: Option<MetadataRow> = open_one(conn, row)?;
    Ok(row.map(|row| row.client_id))
}

fn row(
    client_id: ClientId,
    metadata: &ClientMetadata,
    version: i64,
) -> Result<MetadataRow, StoreError> {
    Ok(MetadataRow {
        client_id,
        metadata: json_text(metadata)?,
        document_url: metadata.document_url().map(str::to_owned),
        version,
    })
}

fn read(row: &MetadataRow) -> Result<ClientMetadata, StoreError> {
    serde_json::from_str(&row.metadata).map_err(|_| StoreError::Corrupt {
        table: MetadataRow::TABLE,
        id: row.client_id.to_string(),
        what: "metadata".to_owned(),
    })
}
