//! Writing and reading the file of a backup. Blocking: not in an asynchronous task.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use claviger_model::backup::{BadBackup, CHUNK_BYTES, Chunks, HEAD_BYTES_MAX, Head, TAG_BYTES};
use claviger_model::keyring::Keyring;
use zeroize::Zeroizing;

/// Why the file of a backup cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// The system's.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is no backup that can be believed.
    #[error(transparent)]
    Bad(#[from] BadBackup),
}

/// Makes a file for its owner alone.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    options.open(path)
}

/// Encrypts a database into a new file and brings it to the disk.
pub(super) fn write(
    plain: &Path,
    target: &Path,
    keyring: &Keyring,
    head: &Head,
) -> Result<(), FileError> {
    let mut source = BufReader::new(File::open(plain)?);
    let mut out = BufWriter::new(create_private(target)?);
    out.write_all(head.to_lines().as_bytes())?;
    let mut chunks = Chunks::of(keyring, head)?;
    loop {
        let mut chunk = next_chunk(&mut source, CHUNK_BYTES)?;
        let is_last = source.fill_buf()?.is_empty();
        chunks.seal(&mut chunk, is_last)?;
        out.write_all(&chunk)?;
        if is_last {
            break;
        }
    }
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(file.sync_all()?)
}

/// Decrypts a backup to its end, and gives each part to `take`.
pub(super) fn read(
    path: &Path,
    keyring: &Keyring,
    mut take: impl FnMut(&[u8]) -> Result<(), FileError>,
) -> Result<Head, FileError> {
    let mut source = BufReader::new(File::open(path)?);
    let head = head_of(&mut source)?;
    let mut chunks = Chunks::of(keyring, &head)?;
    let mut bytes = 0;
    loop {
        let mut chunk = Zeroizing::new(next_chunk(&mut source, CHUNK_BYTES + TAG_BYTES)?);
        let is_last = source.fill_buf()?.is_empty();
        chunks.open(&mut chunk, is_last)?;
        bytes += chunk.len() as u64;
        take(&chunk)?;
        if is_last {
            break;
        }
    }
    if bytes == head.bytes {
        Ok(head)
    } else {
        Err(BadBackup::Length("it holds more or less than its head says").into())
    }
}

fn head_of(source: &mut impl io::BufRead) -> Result<Head, FileError> {
    let mut lines = Vec::new();
    for _ in 0..2 {
        let left = (HEAD_BYTES_MAX - lines.len().min(HEAD_BYTES_MAX)) as u64;
        source.by_ref().take(left).read_until(b'\n', &mut lines)?;
    }
    Ok(Head::read(&lines)?)
}

fn next_chunk(source: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    // The tag goes behind it.
    let mut chunk = Vec::with_capacity(length + TAG_BYTES);
    source.take(length as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}
