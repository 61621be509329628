//! All keys into an index that is empty: read in parts at the same time, because opening the rows
//! of a million takes longer than the database does.

use std::num::NonZero;

use claviger_model::credentials::KeySecret;
use claviger_model::ids::KeyId;
use claviger_model::keys::ApiKey;
use claviger_store::{Cause, Db, StoreError, Walk, keys};
use claviger_verify::Index;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::loader::report;

/// Rows read at once from a file: few enough to stay in the processor's caches until they are in
/// the index, which makes up for the statements.
const PAGE_OF_FILE: u32 = 250;
/// Rows read at once from a server, which is a way to go for every page.
const PAGE_OF_SERVER: u32 = 5_000;
/// Parts read at the same time, at most: more would leave no connection to anybody else.
const PARTS_MAX: usize = 4;
/// Pages that may wait to be taken, of each part.
const PAGES_WAITING: usize = 2;
/// After how many keys one hears how far it is.
const TOLD_EACH: usize = 500_000;

type Page = Vec<(ApiKey, Vec<KeySecret>)>;

/// Holds every key.
pub(super) async fn load(db: &Db, index: &Index) -> Result<(), StoreError> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let count = u32::try_from(cores.min(PARTS_MAX)).unwrap_or(1);
    let ends = keys::parts(&mut *db.read().await?, count).await?;
    let (pages, mut read) = mpsc::channel(PAGES_WAITING * (ends.len() + 1));
    let mut parts = JoinSet::new();
    let mut after = None;
    for until in ends.into_iter().map(Some).chain([None]) {
        parts.spawn(read_part(db.clone(), (after, until), pages.clone()));
        after = until;
    }
    drop(pages);
    let mut filling = index.fill_keys();
    let (mut taken, mut told) = (0, 0);
    while let Some(page) = read.recv().await {
        let page: Page = page;
        page.iter()
            .for_each(|(key, secrets)| filling.put(key, secrets));
        taken += page.len();
        if taken - told >= TOLD_EACH {
            told = taken;
            tracing::info!(keys = taken, "reading keys");
        }
    }
    // A part that failed has sent less: whoever loads starts anew.
    while let Some(ended) = parts.join_next().await {
        ended.map_err(|_| StoreError::Unavailable(Cause::new("reading keys broke off")))??;
    }
    filling.finish();
    Ok(())
}

/// Reads the keys above the first id up to the second one.
async fn read_part(
    db: Db,
    (after, until): (Option<KeyId>, Option<KeyId>),
    pages: mpsc::Sender<Page>,
) -> Result<(), StoreError> {
    let rows = if db.is_sqlite() {
        PAGE_OF_FILE
    } else {
        PAGE_OF_SERVER
    };
    let mut reader = db.read().await?;
    let mut walk = Walk::of("keys").behind(after);
    loop {
        let (page, bad_rows) = keys::resident_range(&mut reader, walk.after(), until, rows).await?;
        report(&bad_rows);
        let Some((last, _)) = page.last() else {
            return Ok(());
        };
        walk.on_to(last.id)?;
        if pages.send(page).await.is_err() {
            return Ok(());
        }
    }
}
