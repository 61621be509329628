//! The checkpoints beside a SQLite database: a text file to which each one is appended.
//!
//! The file is no part of the database: when an older state of the database is put back, it still
//! has what was signed since.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use claviger_model::audit::checkpoint::{self, CheckpointKey, Signed};
use claviger_store::{Conn, Walk, audit_checkpoints};
use serde::Deserialize;
use serde_json::json;

use super::checkpoints::trusted;
use crate::app::App;
use crate::error::Error;

/// Bytes at the end of the file among which the last checkpoint is.
const TAIL_BYTES: u64 = 64 * 1024;
/// Checkpoints written at once.
const PAGE: u32 = 500;

/// A line of the file.
#[derive(Deserialize)]
struct Line {
    checkpoint: String,
}

/// The last checkpoint in the file beside the database; none when there is no such file, or
/// nothing in it that a key of ours signed.
///
/// # Errors
/// The file cannot be read.
pub async fn last_beside(app: &App) -> Result<Option<Signed>, Error> {
    let Some(file) = app.checkpoints_file().map(Path::to_owned) else {
        return Ok(None);
    };
    last_in_file(file, trusted(app)).await
}

/// The last checkpoint in a file that one of the keys signed.
///
/// # Errors
/// The file cannot be read.
pub(crate) async fn last_in_file(
    file: PathBuf,
    keys: Vec<CheckpointKey>,
) -> Result<Option<Signed>, Error> {
    let read = tokio::task::spawn_blocking(move || last_in(&file, &keys));
    read.await
        .map_err(Error::internal)?
        .map_err(Error::internal)
}

/// Refuses to go on with a database that is older than the file beside it, or another one.
pub(super) async fn compare(app: &App) -> Result<(), Error> {
    match last_beside(app).await? {
        Some(beside) => compare_with(&mut *app.read().await?, &beside).await,
        None => Ok(()),
    }
}

/// Refuses a database that is older than this checkpoint, or another one.
pub(crate) async fn compare_with(conn: &mut Conn, beside: &Signed) -> Result<(), Error> {
    let seq = i64::try_from(beside.checkpoint.seq).unwrap_or(i64::MAX);
    let stored = audit_checkpoints::over(conn, seq).await?;
    let same = stored.filter(|stored| stored.tree.size() == beside.checkpoint.seq);
    match same {
        Some(stored) if stored.tree.root() == beside.checkpoint.root => Ok(()),
        Some(_) => Err(Error::conflict(format!(
            "The audit log is not the one whose checkpoints are beside the database: they differ \
             in event {seq} or before."
        ))),
        None => Err(Error::conflict(format!(
            "The database is older than the last checkpoint beside it, which was signed over \
             event {seq}. An older state was put back, or checkpoints were taken out."
        ))),
    }
}

/// Appends the checkpoints that the file does not have.
pub(super) async fn follow(app: &App) -> Result<(), Error> {
    let Some(file) = app.checkpoints_file().map(Path::to_owned) else {
        return Ok(());
    };
    let beside = last_beside(app).await?;
    let last = beside.map_or(0, |last| {
        i64::try_from(last.checkpoint.seq).unwrap_or(i64::MAX)
    });
    let mut walk = Walk::of("audit_checkpoints").behind(Some(last));
    loop {
        let after = walk.after().unwrap_or_default();
        let page = audit_checkpoints::page_in_order(&mut *app.read().await?, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        walk.on_to(i64::try_from(last.tree.size()).unwrap_or(i64::MAX))?;
        let mut lines = String::new();
        for one in &page {
            lines.push_str(&json!({"checkpoint": one.note}).to_string());
            lines.push('\n');
        }
        let file = file.clone();
        let appended = tokio::task::spawn_blocking(move || append(file, &lines));
        appended
            .await
            .map_err(Error::internal)?
            .map_err(Error::internal)?;
    }
}

fn append(file: PathBuf, lines: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .read(true)
        .open(file)?;
    let length = file.seek(SeekFrom::End(0))?;
    let mut torn = [b'\n'];
    if length > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut torn)?;
    }
    // What a crash left half written is a line by itself, which nobody believes.
    let start = if torn == *b"\n" { "" } else { "\n" };
    file.write_all(format!("{start}{lines}").as_bytes())?;
    file.sync_data()
}

fn last_in(file: &Path, keys: &[CheckpointKey]) -> io::Result<Option<Signed>> {
    let mut file = match File::open(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let lines = tail.split(|byte| *byte == b'\n').rev();
    let mut signed = lines.filter_map(|line| {
        let line: Line = serde_json::from_slice(line).ok()?;
        checkpoint::open(&line.checkpoint, keys).ok()
    });
    Ok(signed.next())
}
