//! The lock by which one server at a time owns a SQLite database.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often and how far apart a starting server looks whether it was only a command that held the
/// lock.
const COMMAND_ENDS_ATTEMPTS: u32 = 20;
const COMMAND_ENDS_PAUSE: Duration = Duration::from_millis(50);

/// What a process does with the data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// It serves: it follows changes and decides.
    Server,
    /// It makes a change or looks at something, and ends.
    Command,
}

/// The lock, held until it is dropped; the operating system drops it when the process dies.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

impl Role {
    /// Takes the lock: a server alone, commands together. A command that gets it knows that no
    /// server runs or can start before it ends; one that does not knows that a server runs.
    pub(crate) async fn claim(self, path: &Path) -> Result<Option<DataLock>, LockError> {
        let fail = |source| LockError::Unusable {
            path: path.to_owned(),
            source,
        };
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let file = options.open(path).map_err(fail)?;
        let mut attempts = 0;
        loop {
            let tried = match self {
                Self::Server => file.try_lock(),
                Self::Command => file.try_lock_shared(),
            };
            match (tried, self) {
                (Ok(()), _) => return Ok(Some(DataLock { _file: file })),
                (Err(TryLockError::WouldBlock), Self::Command) => return Ok(None),
                (Err(TryLockError::WouldBlock), Self::Server)
                    if attempts < COMMAND_ENDS_ATTEMPTS =>
                {
                    attempts += 1;
                    tokio::time::sleep(COMMAND_ENDS_PAUSE).await;
                }
                (Err(TryLockError::WouldBlock), Self::Server) => {
                    return Err(LockError::Owned(path.to_owned()));
                }
                (Err(TryLockError::Error(source)), _) => return Err(fail(source)),
            }
        }
    }
}

/// Why the lock cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// A server owns the data.
    #[error("another claviger server is running on this data ({})", .0.display())]
    Owned(PathBuf),
    /// The lock file cannot be used.
    #[error("{}: {source}", .path.display())]
    Unusable {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
