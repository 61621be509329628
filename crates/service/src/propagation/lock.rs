//! The lock by which one server at a time owns a SQLite database.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::app::OpenError;

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
    /// Takes the lock. A server has to have it; a command that gets it knows that no server runs,
    /// and one that does not knows that one does.
    pub(crate) fn claim(self, path: &Path) -> Result<Option<DataLock>, OpenError> {
        let fail = |source| OpenError::Lock {
            path: path.to_owned(),
            source,
        };
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let file = options.open(path).map_err(fail)?;
        match (file.try_lock(), self) {
            (Ok(()), _) => Ok(Some(DataLock { _file: file })),
            (Err(TryLockError::WouldBlock), Self::Command) => Ok(None),
            (Err(TryLockError::WouldBlock), Self::Server) => {
                Err(OpenError::Locked(path.to_owned()))
            }
            (Err(TryLockError::Error(source)), _) => Err(fail(source)),
        }
    }
}
