//! Authorization requests that ended on a page of ours, in the usage database: what was wrong is
//! for the app's owner alone.

use claviger_model::UnixMillis;
use claviger_model::ids::{ClientId, RequestId};

use crate::db::{Conn, Row, Tx};
use crate::error::StoreError;
use crate::rows::Fields;

/// A failed authorization request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuthorizationFailure {
    /// The request: its id is what a stranger sees.
    pub request_id: RequestId,
    /// When.
    pub at: UnixMillis,
    /// The app that it named.
    pub client_id: ClientId,
    /// What was wrong, for the app's owner.
    pub told: String,
}

/// Keeps a failure.
pub async fn insert(tx: &mut Tx, failure: &AuthorizationFailure) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO authorization_failures (request_id, at, client_id, told)
         VALUES ($1, $2, $3, $4) ON CONFLICT (request_id) DO NOTHING",
    )
    .shown(failure.request_id)
    .time(failure.at)
    .shown(failure.client_id)
    .bind(failure.told.as_str())
    .execute()
    .await?;
    Ok(())
}

/// The failure of a request.
pub async fn get(
    conn: &mut Conn,
    request_id: RequestId,
) -> Result<Option<AuthorizationFailure>, StoreError> {
    let row = conn
        .query(
            "SELECT request_id, at, client_id, told FROM authorization_failures
             WHERE request_id = $1",
        )
        .shown(request_id)
        .fetch_optional()
        .await?;
    row.as_ref().map(read).transpose()
}

/// The latest failures of an app, the newest first.
pub async fn of_client(
    conn: &mut Conn,
    client_id: ClientId,
    limit: u32,
) -> Result<Vec<AuthorizationFailure>, StoreError> {
    let rows = conn
        .query(
            "SELECT request_id, at, client_id, told FROM authorization_failures
             WHERE client_id = $1 ORDER BY at DESC, request_id DESC LIMIT $2",
        )
        .shown(client_id)
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    rows.iter().map(read).collect()
}

/// Deletes at most `limit` failures that are older than `before`; how many.
pub async fn delete_before(tx: &mut Tx, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM authorization_failures WHERE request_id IN
             (SELECT request_id FROM authorization_failures WHERE at < $1 LIMIT $2)",
    )
    .time(before)
    .bind(i64::from(limit))
    .execute()
    .await
}

fn read(row: &Row) -> Result<AuthorizationFailure, StoreError> {
    let mut fields = Fields::of("authorization_failures", row);
    Ok(AuthorizationFailure {
        request_id: fields.parsed()?,
        at: fields.time()?,
        client_id: fields.parsed()?,
        told: fields.text()?,
    })
}
