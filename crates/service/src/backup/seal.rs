//! The seal: what is known of a database that came back from somewhere.
//!
//! It is a row of the database, so that it goes where the database goes; the server finds it at its
//! start, or finds that the database is older than what stands beside it.

use std::path::Path;
use std::sync::Arc;

use claviger_model::UnixMillis;
use claviger_model::keyring::Keyring;
use claviger_store::{Conn, Db, Journal, Tx, ledger, settings};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::audit::checkpoints::keys_of;
use crate::audit::journal;
use crate::error::Error;

/// The name of the row.
const FACT: &str = "sealed";

/// Why a database is sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A backup was restored.
    Restored,
    /// It is older than the journal of revocations beside it.
    OlderThanJournal,
    /// It is older than the last checkpoint of the audit log beside it, or another one.
    OlderThanCheckpoint,
}

/// The seal of a database.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Seal {
    /// Why.
    pub why: Why,
    /// Since when, in Unix milliseconds.
    pub since: i64,
    /// The epoch of its last change.
    pub epoch: i64,
    /// The recovery point of the backup that it came from, in Unix milliseconds.
    pub point: Option<i64>,
}

impl Seal {
    /// What people are told.
    pub fn sentence(&self) -> &'static str {
        match self.why {
            Why::Restored => "the instance came back from a backup",
            Why::OlderThanJournal => {
                "the database is older than the journal of revocations beside it"
            }
            Why::OlderThanCheckpoint => {
                "the database is older than the last checkpoint of the audit log beside it, or \
                 another one"
            }
        }
    }
}

/// The seal of the instance; none when it is open.
///
/// # Errors
/// The store's.
pub async fn state(app: &App) -> Result<Option<Seal>, Error> {
    read(&mut *app.read().await?).await
}

/// Whether the seal is still on.
pub(crate) async fn is_still_sealed(db: &Db) -> Result<bool, claviger_store::StoreError> {
    let mut reader = db.read().await?;
    Ok(settings::get(&mut reader, FACT).await?.is_some())
}

/// Puts the seal on.
pub(super) async fn put(db: &Db, seal: &Seal) -> Result<(), Error> {
    let text = serde_json::to_string(seal).map_err(Error::internal)?;
    let written = db.write(move |tx: &mut Tx| {
        let text = text.clone();
        Box::pin(async move { Ok::<_, Error>(settings::put(tx, FACT, &text).await?) })
    });
    written.await.map(|_| ())
}

/// Takes the seal off.
pub(super) async fn take_off(tx: &mut Tx) -> Result<bool, Error> {
    Ok(settings::remove(tx, FACT).await?)
}

/// The seal of a database that was opened, which is put on where the database is older
/// than what stands beside it.
pub(crate) async fn find_at_start(
    db: &Db,
    keyring: &Arc<Keyring>,
    (journal_file, checkpoints_file): (&Path, &Path),
    public_url: &str,
    now: UnixMillis,
) -> Result<Option<Seal>, Error> {
    if let Some(seal) = read(&mut *db.read().await?).await? {
        return Ok(Some(seal));
    }
    // The files first: what another process writes meanwhile is in the database before it is in
    // them.
    let (file, keys) = (journal_file.to_owned(), Arc::clone(keyring));
    let found = tokio::task::spawn_blocking(move || Journal::last_epoch(&file, &keys));
    let found = found.await.map_err(Error::internal)?;
    let known = found.map_err(Error::internal)?;
    let keys = keys_of(keyring, public_url);
    let beside = journal::last_in_file(checkpoints_file.to_owned(), keys).await?;
    let mut reader = db.read().await?;
    let epoch = ledger::epoch(&mut reader).await?;
    let why = if known.is_some_and(|known| known > epoch) {
        Some(Why::OlderThanJournal)
    } else if let Some(beside) = beside {
        match journal::compare_with(&mut reader, &beside).await {
            Ok(()) => None,
            Err(Error::Refused { .. }) => Some(Why::OlderThanCheckpoint),
            Err(error) => return Err(error),
        }
    } else {
        None
    };
    drop(reader);
    let Some(why) = why else {
        return Ok(None);
    };
    let seal = Seal {
        why,
        since: now.0,
        epoch,
        point: None,
    };
    put(db, &seal).await?;
    Ok(Some(seal))
}

async fn read(conn: &mut Conn) -> Result<Option<Seal>, Error> {
    let text = settings::get(conn, FACT).await?;
    let Some(text) = text else {
        return Ok(None);
    };
    // What cannot be read is a seal all the same.
    Ok(Some(serde_json::from_str(&text).unwrap_or(Seal {
        why: Why::Restored,
        since: 0,
        epoch: 0,
        point: None,
    })))
}
