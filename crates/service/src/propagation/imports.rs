//! Filling the index with what was brought along for keys that were made elsewhere.

use claviger_model::ids::SecretId;
use claviger_store::{Conn, StoreError, Walk, imports};
use claviger_verify::Index;

use super::loader::{report, without};

/// Rows read at once.
const PAGE: u32 = 5_000;

/// Holds everything that has not been replaced by a hash of our own.
pub(super) async fn load(conn: &mut Conn, index: &Index) -> Result<(), StoreError> {
    put_peppers(conn, index).await?;
    let mut walk: Walk<String> = Walk::of("imported_hashes");
    loop {
        let ((page, bad_rows), end) =
            imports::unseen_page(conn, walk.after().as_deref(), PAGE).await?;
        report(&bad_rows);
        page.iter().for_each(|row| index.put_imported(row));
        match end {
            Some(end) => walk.on_to(end)?,
            None => return Ok(()),
        }
    }
}

/// Reads again what these changes name.
pub(super) async fn apply(
    conn: &mut Conn,
    index: &Index,
    ids: &[SecretId],
) -> Result<(), StoreError> {
    put_peppers(conn, index).await?;
    let (found, bad_rows) = imports::by_ids(conn, ids).await?;
    report(&bad_rows);
    without(ids, found.iter().map(|row| row.secret_id)).for_each(|id| index.remove_imported(id));
    found.iter().for_each(|row| index.put_imported(row));
    Ok(())
}

/// Holds the peppers: there are a handful, so all are read again.
async fn put_peppers(conn: &mut Conn, index: &Index) -> Result<(), StoreError> {
    let (peppers, bad_rows) = imports::peppers(conn).await?;
    report(&bad_rows);
    index.set_import_peppers(&peppers);
    Ok(())
}
