//! Bringing a backup back. Everything is looked at before anything is touched.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use claviger_model::audit::checkpoint::Hex;
use claviger_model::backup::Head;
use claviger_model::keyring::Keyring;
use claviger_store::{Db, Location, Reader, StoreError, check_integrity, ledger};
use serde::Serialize;

use super::file::{self, FileError};
use super::seal::{self, Seal, Why};
use super::{Point, chain};
use crate::app::{JOURNAL_FILE, Storage};
use crate::error::Error;
use crate::propagation::{DataLock, Role};
use crate::sources::Sources;

/// What the database is called until all of it was looked at.
const STAGED_FILE: &str = "claviger.db.restoring";
/// What SQLite puts beside a database.
const SQLITE_COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// What is restored, and how.
pub struct Restoring<'a> {
    /// The backup.
    pub file: &'a Path,
    /// The journal of revocations, where it is not beside the database.
    pub journal: Option<&'a Path>,
    /// Whether a database that is there is put aside.
    pub replaces: bool,
    /// The address of the instance, by whose name checkpoints go.
    pub public_url: &'a str,
}

/// A backup that was brought back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RestoreReport {
    /// What it is from.
    #[serde(flatten)]
    pub point: Point,
    /// Where the database that was there is now.
    pub put_aside: Option<PathBuf>,
    /// Whether there is a journal of revocations that knows what came after it.
    pub has_journal: bool,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

/// Brings a backup back, sealed.
///
/// # Errors
/// `conflict` where there is a database and `replaces` is not said, where a server runs, and for a
/// backup that cannot be believed: then nothing was touched.
pub async fn restore(
    storage: &Storage,
    keyring: Keyring,
    sources: &Sources,
    restoring: &Restoring<'_>,
) -> Result<RestoreReport, Error> {
    let started = sources.both();
    let (Location::Sqlite { file: database }, Some(lock)) = (&storage.main, &storage.lock_file)
    else {
        return Err(Error::conflict(super::POSTGRES));
    };
    let _lock: Option<DataLock> = Role::Server
        .claim(lock)
        .await
        .map_err(|error| Error::conflict(error.to_string()))?;
    if database.exists() && !restoring.replaces {
        let message = format!(
            "{} is there; a restore replaces nothing unless it is told to.",
            database.display()
        );
        return Err(Error::conflict(message));
    }
    let keyring = Arc::new(keyring);
    let staged = Staged(database.with_file_name(STAGED_FILE));
    let head = stage(restoring.file, &staged.0, &keyring).await?;
    let now = started.wall;
    examine(&staged.0, &keyring, &head, restoring.public_url, now).await?;
    let put_aside = put_in_place(&staged.0, database, now.0).map_err(Error::internal)?;
    let journal = bring_journal(restoring.journal, &database.with_file_name(JOURNAL_FILE));
    let has_journal = journal.map_err(Error::internal)?;
    let nanos = sources.both().boot_nanos - started.boot_nanos;
    Ok(RestoreReport {
        point: Point::from(&head),
        put_aside,
        has_journal,
        millis: nanos / 1_000_000,
    })
}

/// The database until it is in its place; what is left of it goes when this is dropped.
struct Staged(PathBuf);

impl Drop for Staged {
    fn drop(&mut self) {
        for companion in [""].iter().chain(&SQLITE_COMPANIONS) {
            // It is not there when all went well.
            let _ = std::fs::remove_file(beside(&self.0, companion));
        }
    }
}

fn beside(file: &Path, companion: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(companion);
    name.into()
}

/// Decrypts the backup into a file of its own; an error is one of the backup.
async fn stage(backup: &Path, staged: &Path, keyring: &Arc<Keyring>) -> Result<Head, Error> {
    let (from, to, keys) = (backup.to_owned(), staged.to_owned(), Arc::clone(keyring));
    let staging = tokio::task::spawn_blocking(move || {
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true).mode(0o600);
        let mut out = options.open(&to)?;
        let head = file::read(&from, &keys, |part| Ok(out.write_all(part)?))?;
        out.sync_all()?;
        Ok(head)
    });
    let staged: Result<Head, FileError> = staging.await.map_err(Error::internal)?;
    staged.map_err(|error| {
        let message = format!("{} cannot be restored: {error}.", backup.display());
        Error::conflict(message)
    })
}

/// Looks at all that there is to look at, brings the schema up to this version, and seals.
async fn examine(
    staged: &Path,
    keyring: &Arc<Keyring>,
    head: &Head,
    public_url: &str,
    now: claviger_model::UnixMillis,
) -> Result<(), Error> {
    check_integrity(staged).await.map_err(damaged)?;
    let location = Location::Sqlite {
        file: staged.to_owned(),
    };
    let db = Db::open_existing(&location, Arc::clone(keyring)).await?;
    let sealed = async {
        let mut reader = db.read().await?;
        is_as_head_says(&mut reader, head).await?;
        chain::follow(&mut reader, keyring, public_url).await?;
        drop(reader);
        let seal = Seal {
            why: Why::Restored,
            since: now.0,
            epoch: head.epoch,
            point: Some(head.at.0),
        };
        seal::put(&db, &seal).await
    };
    let sealed = sealed.await;
    db.close().await;
    sealed
}

fn damaged(error: StoreError) -> Error {
    match error {
        StoreError::Damaged(cause) => Error::conflict(format!(
            "The database in the backup is damaged: {cause}. Take another backup."
        )),
        other => other.into(),
    }
}

async fn is_as_head_says(reader: &mut Reader, head: &Head) -> Result<(), Error> {
    let epoch = ledger::epoch(reader).await?;
    let (events, hash) = ledger::audit_head(reader).await?;
    if (epoch, events) == (head.epoch, head.audit_events)
        && Hex(&hash).to_string() == head.audit_head
    {
        return Ok(());
    }
    Err(Error::conflict(
        "What is in the backup is not what its head says.",
    ))
}

/// Puts what is there aside, and the restored database in its place; where the old one is now.
fn put_in_place(staged: &Path, database: &Path, now: i64) -> std::io::Result<Option<PathBuf>> {
    let mut aside = None;
    if database.exists() {
        let directory = database.with_file_name(format!("replaced-{now}"));
        std::fs::DirBuilder::new().create(&directory)?;
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&directory, permissions)?;
        let name = database.file_name().unwrap_or_default();
        // The log first: without it the file is an older state, and not a newer one.
        for companion in SQLITE_COMPANIONS.iter().chain(&[""]) {
            let from = beside(database, companion);
            if from.exists() {
                std::fs::rename(from, beside(&directory.join(name), companion))?;
            }
        }
        aside = Some(directory);
    }
    std::fs::rename(staged, database)?;
    if let Some(directory) = database.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(aside)
}

/// Brings the journal beside the database; whether there is one.
fn bring_journal(from: Option<&Path>, to: &Path) -> std::io::Result<bool> {
    let Some(from) = from else {
        return Ok(to.exists());
    };
    let text = std::fs::read(from)?;
    if to.exists() {
        std::fs::rename(to, to.with_extension("journal.before"))?;
    }
    let mut out = file::create_private(to)?;
    out.write_all(&text)?;
    out.sync_all()?;
    Ok(true)
}
