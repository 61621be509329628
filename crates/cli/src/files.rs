//! Files with secrets, and the directories that hold them: for their owner alone.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use claviger_model::keyring::master_key_line;
use claviger_service::sources::Sources;

use crate::exit::{Exit, Failure};

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// The version of a first master key.
const FIRST_VERSION: u8 = 1;

/// Makes a directory with those above it, unless it is there.
///
/// # Errors
/// It cannot be made, or is no directory.
pub(crate) fn make_directory(path: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(path);
    made.map_err(|error| unusable(path, &error))
}

/// Makes a file for its owner alone and writes it through to the disk.
///
/// # Errors
/// It exists already, or cannot be written.
pub(crate) fn create(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(FILE_MODE);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::new(Exit::Conflict, format!("{} exists already", path.display()))
                .hint("nothing is overwritten; name another place, or remove it yourself")
        }
        _ => unusable(path, &error),
    })
}

/// Puts a file in the place of another in one step.
///
/// # Errors
/// It cannot be written.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let fresh = path.with_extension("new");
    remove(&fresh)?;
    create(&fresh, text)?;
    let renamed = std::fs::rename(&fresh, path).and_then(|()| {
        // The directory's entry has to reach the disk too.
        path.parent().map_or(Ok(()), |directory| {
            std::fs::File::open(directory)?.sync_all()
        })
    });
    renamed.map_err(|error| unusable(path, &error))
}

/// Removes a file, if it is there.
///
/// # Errors
/// It cannot be removed.
pub(crate) fn remove(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(unusable(path, &error)),
        _ => Ok(()),
    }
}

/// Makes a master key file with a new key.
///
/// # Errors
/// It exists already, cannot be written, or the system has no random bytes.
pub(crate) fn create_master_key(path: &Path, sources: &Sources) -> Result<(), Failure> {
    let key = sources
        .key()
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    let mut line = master_key_line(FIRST_VERSION, &key);
    line.push('\n');
    create(path, &line)
}

/// A file without a name, for its owner alone, gone when it is closed.
///
/// # Errors
/// It cannot be made.
pub(crate) fn nameless() -> std::io::Result<std::fs::File> {
    let name = format!("claviger-{}.import", std::process::id());
    let path = std::env::temp_dir().join(name);
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create_new(true)
        .mode(FILE_MODE);
    let file = options.open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// Whether others than its owner may read or write a file.
pub(crate) fn is_shared(path: &Path) -> bool {
    let metadata = std::fs::metadata(path);
    metadata.is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    let exit = match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Exit::Permission,
        _ => Exit::Failed,
    };
    Failure::new(exit, format!("{} cannot be used: {error}", path.display()))
        .hint("name a place where this user may write")
}
