//! Making a backup.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use claviger_model::audit::Action;
use claviger_model::audit::checkpoint::Hex;
use claviger_model::backup::{Head, salt_text};
use claviger_model::keyring::Keyring;
use claviger_store::{Db, Tx, check_integrity, ledger};
use serde::Serialize;
use serde_json::json;

use super::file::{self, FileError};
use super::{Point, chain, sqlite_only};
use crate::access::OperatorAccess;
use crate::app::{App, Effect};
use crate::error::Error;

/// The copy in the clear, beside the database, for the time that it takes.
const COPY_FILE: &str = "backup.copy";
/// What a file is called until it is whole.
const PARTIAL: &str = "partial";

/// A backup that was made and read back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct BackupReport {
    /// The file.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// What it is from.
    #[serde(flatten)]
    pub point: Point,
}

/// Makes a backup of the main database in a new file, while everything goes on, and reads it back.
///
/// # Errors
/// `conflict` where the file is there, on PostgreSQL, while another one is made, and for a database
/// that is not sound; no place on one of the disks.
pub async fn create(
    app: &App,
    access: &OperatorAccess,
    target: &Path,
) -> Result<BackupReport, Error> {
    sqlite_only(app.db().is_sqlite())?;
    if target.exists() {
        let message = format!(
            "{} is there already; a backup overwrites nothing.",
            target.display()
        );
        return Err(Error::conflict(message));
    }
    let Some(database) = app.database_file() else {
        return Err(Error::conflict(super::POSTGRES));
    };
    let copy = Scratch::claim(database.with_file_name(COPY_FILE))?;
    let at = app.sources().now();
    note(app, access, target).await?;
    app.db().copy_into(&copy.path).await?;
    check_integrity(&copy.path).await.map_err(unsound)?;
    let (head, events) = look(app, &copy.path, at).await?;
    let keyring = Arc::clone(app.keyring());
    let (plain, whole) = (copy.path.clone(), target.to_owned());
    let writing = tokio::task::spawn_blocking(move || write(&plain, &whole, &keyring, &head));
    let written = writing.await.map_err(Error::internal)?;
    drop(copy);
    let (head, bytes) = written.map_err(|error| unwritten(target, &error))?;
    tracing::info!(epoch = head.epoch, events, bytes, "a backup was made");
    Ok(BackupReport {
        file: target.to_owned(),
        bytes,
        point: Point::from(&head),
    })
}

/// The file of the copy, which is gone when this is dropped.
struct Scratch {
    path: PathBuf,
    /// Locked as long as this process works on it.
    _file: File,
}

impl Scratch {
    /// Takes the place of one that a crash left behind, and of no other.
    fn claim(path: PathBuf) -> Result<Self, Error> {
        if let Ok(left) = File::open(&path) {
            if left.try_lock().is_err() {
                return Err(Error::conflict("Another backup is being made."));
            }
            std::fs::remove_file(&path).map_err(Error::internal)?;
        }
        let file = file::create_private(&path).map_err(|error| unwritten(&path, &error.into()))?;
        file.try_lock().map_err(Error::internal)?;
        Ok(Self { path, _file: file })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::error!(%error, file = %self.path.display(), "a copy in the clear was left");
        }
    }
}

async fn note(app: &App, access: &OperatorAccess, target: &Path) -> Result<(), Error> {
    let (app_inside, signature) = (app.clone(), access.signature().clone());
    let name = target
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let (app, signature, name) = (app_inside.clone(), signature.clone(), name.clone());
        Box::pin(async move {
            let after = Some(json!({"file": name}));
            let event = signature.event(
                app.sources(),
                None,
                Action::BackupMade,
                "backup",
                (None, after),
            )?;
            tx.audit(event);
            Ok::<_, Error>(())
        })
    })
    .await
}

/// What the copy holds, and that its audit log is as it was written.
async fn look(
    app: &App,
    copy: &Path,
    at: claviger_model::UnixMillis,
) -> Result<(Head, i64), Error> {
    let db = Db::open_copy(copy, Arc::clone(app.keyring())).await?;
    let found = async {
        let mut reader = db.read().await?;
        let epoch = ledger::epoch(&mut reader).await?;
        let (events, hash) = ledger::audit_head(&mut reader).await?;
        chain::follow(&mut reader, app.keyring(), &app.settings().public_url).await?;
        let head = Head {
            master_key: app.keyring().current_version(),
            salt: salt_text(&*app.sources().key()?),
            at,
            epoch,
            audit_events: events,
            audit_head: Hex(&hash).to_string(),
            schema: db.schema().await?.unwrap_or_default(),
            bytes: std::fs::metadata(copy).map_err(Error::internal)?.len(),
        };
        Ok::<_, Error>((head, events))
    };
    let found = found.await;
    db.close().await;
    found
}

/// Writes the file under another name, reads it back byte for byte and only then calls it by its
/// own.
fn write(
    plain: &Path,
    target: &Path,
    keyring: &Keyring,
    head: &Head,
) -> Result<(Head, u64), FileError> {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(PARTIAL);
    let partial = target.with_file_name(name);
    let written = file::write(plain, &partial, keyring, head)
        .and_then(|()| compare(plain, &partial, keyring))
        .and_then(|()| Ok(std::fs::rename(&partial, target)?));
    if written.is_err() {
        // What is left of it can be read by nobody else, and hides nothing.
        let _ = std::fs::remove_file(&partial);
    }
    written?;
    let directory = target.parent().filter(|path| !path.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok((head.clone(), std::fs::metadata(target)?.len()))
}

fn compare(plain: &Path, written: &Path, keyring: &Keyring) -> Result<(), FileError> {
    let mut plain = std::io::BufReader::new(File::open(plain)?);
    let mut expected = Vec::new();
    file::read(written, keyring, |part| {
        expected.resize(part.len(), 0);
        plain.read_exact(&mut expected)?;
        if expected == part {
            Ok(())
        } else {
            let message = "what was written is not what was read back";
            Err(std::io::Error::other(message).into())
        }
    })
    .map(drop)
}

fn unsound(error: claviger_store::StoreError) -> Error {
    let message = format!(
        "The database is damaged and no backup was made of it: {error}. Go back to an earlier \
         backup with `claviger restore`."
    );
    match error {
        claviger_store::StoreError::Damaged(_) => Error::conflict(message),
        other => other.into(),
    }
}

fn unwritten(target: &Path, error: &FileError) -> Error {
    Error::conflict(format!("{} cannot be written: {error}.", target.display()))
}
