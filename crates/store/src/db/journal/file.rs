//! The file of the journal: encrypted lines, numbered without gaps. Blocking.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use claviger_model::UnixMillis;
use claviger_model::keyring::Keyring;
use claviger_model::revocations;

use super::JournalEntry;

/// Bytes at the end of the file among which the last entries are.
const TAIL_BYTES: u64 = 1024 * 1024;

/// What a journal holds.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct JournalRead {
    /// What can be believed, in the order of the file.
    pub entries: Vec<JournalEntry>,
    /// The first line that cannot be believed or before which lines are missing, from one. A last
    /// line that a crash left half written is not one.
    pub bad_line: Option<usize>,
}

/// Where a file ended when it was last written or read.
#[derive(Clone, Copy)]
pub(super) struct Tail {
    length: u64,
    number: u64,
    epoch: i64,
    at: UnixMillis,
}

impl JournalRead {
    /// From which epoch on it knows everything; none of an empty one.
    pub fn covers_after(&self) -> Option<i64> {
        self.entries.first().map(|entry| entry.after)
    }

    /// The epoch of the last commit that it knows of.
    pub fn last_epoch(&self) -> Option<i64> {
        self.entries.iter().map(|entry| entry.epoch).max()
    }
}

pub(super) fn read(path: &Path, keyring: &Keyring) -> io::Result<Option<JournalRead>> {
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    Ok(Some(parse(&text, keyring)))
}

fn parse(text: &[u8], keyring: &Keyring) -> JournalRead {
    let mut found = JournalRead::default();
    let is_whole = text.last().is_none_or(|last| *last == b'\n');
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let count = lines.len();
    for (index, line) in lines.into_iter().enumerate() {
        if line.is_empty() {
            continue;
        }
        let next = found.entries.last().map(|last| last.number + 1);
        match entry(line, keyring) {
            Some(entry) if next.is_none_or(|next| next == entry.number) => {
                found.entries.push(entry);
            }
            None if index + 1 == count && !is_whole => {}
            // One that a crash left half written has its number again in the next line.
            None if is_torn(line) => {}
            entry => {
                found.bad_line.get_or_insert(index + 1);
                found.entries.extend(entry);
            }
        }
    }
    found
}

/// Whether a line is one that a crash can have left: the writer marks it when it goes on behind it.
fn is_torn(line: &[u8]) -> bool {
    line.ends_with(TORN.as_bytes())
}

/// What is written behind a line that a crash left half written.
const TORN: &str = " torn";

fn entry(line: &[u8], keyring: &Keyring) -> Option<JournalEntry> {
    let text = revocations::open(keyring, std::str::from_utf8(line).ok()?)?;
    serde_json::from_slice(&text).ok()
}

/// Appends entries, giving them their numbers, and brings them to the disk.
pub(super) fn append(
    path: &Path,
    keyring: &Keyring,
    tail: &mut Option<Tail>,
    entries: &mut [JournalEntry],
) -> io::Result<()> {
    let mut file = locked(path)?;
    let length = file.metadata()?.len();
    let known = match *tail {
        Some(known) if known.length == length => known,
        _ => tail_of(&mut file, keyring)?,
    };
    let mut next = known;
    let mut lines = String::new();
    if length > 0 && !ends_with_line(&mut file)? {
        lines.push_str(TORN);
        lines.push('\n');
    }
    for entry in entries.iter_mut() {
        entry.number = next.number + 1;
        if next.number > 0 {
            entry.after = next.epoch;
        }
        entry.at = entry.at.max(next.at);
        let text = serde_json::to_vec(entry)?;
        let line = revocations::line(keyring, &text);
        lines.push_str(&line.ok_or_else(|| io::Error::other("it cannot be encrypted"))?);
        lines.push('\n');
        next = Tail {
            number: entry.number,
            epoch: next.epoch.max(entry.epoch),
            at: entry.at,
            ..next
        };
    }
    file.seek(SeekFrom::End(0))?;
    let written = file
        .write_all(lines.as_bytes())
        .and_then(|()| file.sync_data());
    if let Err(error) = written {
        // What is half written is taken back; where that fails too, it is a torn line.
        let _ = file.set_len(length);
        return Err(error);
    }
    next.length = length + lines.len() as u64;
    *tail = Some(next);
    Ok(())
}

/// Puts a file aside that cannot be believed, and drops what is older than `forget_before`.
pub(super) fn tidy(path: &Path, keyring: &Keyring, forget_before: UnixMillis) -> io::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let file = locked(path)?;
    let Some(found) = read(path, keyring)? else {
        return Ok(());
    };
    let is_empty = file.metadata()?.len() > 0 && found.entries.is_empty();
    if let Some(line) = found.bad_line.or(is_empty.then_some(1)) {
        tracing::error!(
            line,
            file = %path.display(),
            "the journal of revocations was changed by somebody else, or made with another master \
             key; it is put aside and begun anew, and backups that were made before now come back \
             without the revocations after them"
        );
        return std::fs::rename(path, path.with_extension("journal.bad"));
    }
    let kept = found.entries.iter().position(|entry| {
        // The last one always stays: it says up to where everything is known.
        entry.at >= forget_before
    });
    let kept = kept.unwrap_or(found.entries.len().saturating_sub(1));
    if kept == 0 {
        return Ok(());
    }
    let mut lines = String::new();
    for entry in &found.entries[kept..] {
        let line = revocations::line(keyring, &serde_json::to_vec(entry)?);
        lines.push_str(&line.ok_or_else(|| io::Error::other("it cannot be encrypted"))?);
        lines.push('\n');
    }
    let fresh = path.with_extension("journal.new");
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true).mode(0o600);
    let mut rewritten = options.open(&fresh)?;
    rewritten.write_all(lines.as_bytes())?;
    rewritten.sync_all()?;
    std::fs::rename(&fresh, path)
}

/// The file, made if it is not there, which no other process writes to until it is closed.
fn locked(path: &Path) -> io::Result<File> {
    loop {
        let mut options = OpenOptions::new();
        options
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600);
        let file = options.open(path)?;
        file.lock()?;
        // It may have been put aside before the lock was had.
        let (own, named) = (file.metadata()?, std::fs::metadata(path));
        if named.is_ok_and(|named| (named.dev(), named.ino()) == (own.dev(), own.ino())) {
            return Ok(file);
        }
    }
}

/// The last entries, without reading all of a long journal; all of it where that shows none.
fn tail_of(file: &mut File, keyring: &Keyring) -> io::Result<Tail> {
    let length = file.metadata()?.len();
    let mut found = JournalRead::default();
    for start in [length.saturating_sub(TAIL_BYTES), 0] {
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        file.read_to_end(&mut text)?;
        // The first line may be cut; then it opens no more than any other text.
        found = parse(&text, keyring);
        if !found.entries.is_empty() {
            break;
        }
    }
    let last = found.entries.last();
    Ok(Tail {
        length,
        number: last.map_or(0, |last| last.number),
        epoch: found.last_epoch().unwrap_or(0),
        at: last.map_or(UnixMillis(0), |last| last.at),
    })
}

/// The epoch of the last commit that a journal knows of; none where there is none.
pub(super) fn last_epoch(path: &Path, keyring: &Keyring) -> io::Result<Option<i64>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let tail = tail_of(&mut file, keyring)?;
    Ok((tail.number > 0).then_some(tail.epoch))
}

fn ends_with_line(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
