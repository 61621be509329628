//! The directory of `claviger dev`: which files are ours, and how far a set-up has come.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::exit::{Exit, Failure};
use crate::files;
use crate::store::CONFIG_FILE;

/// Says that the directory is ours, and what is in it.
const MARKER: &str = "dev.json";
const MASTER_KEY: &str = "master.key";
const LOCK: &str = "claviger.lock";
/// What dev makes beside the marker, which goes last, and the lock, which stays.
const OURS: [&str; 10] = [
    "claviger.db",
    "claviger.db-wal",
    "claviger.db-shm",
    "usage.db",
    "usage.db-wal",
    "usage.db-shm",
    "ballast",
    "revocations.journal",
    "audit-checkpoints.jsonl",
    MASTER_KEY,
];

/// How far the set-up has come.
pub(super) enum State {
    /// Nothing of ours is there.
    Absent,
    /// A start was killed before it had shown anything.
    Unfinished,
    /// It is complete.
    Finished(Facts),
}

/// What the marker tells of a finished set-up; no secret.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Facts {
    /// The account.
    pub(super) account_id: String,
    /// The user's address.
    pub(super) email: String,
    /// The main API's audience.
    pub(super) audience: String,
    /// The live key.
    pub(super) live_key_id: String,
    /// The test key.
    pub(super) test_key_id: String,
    /// The client; none in a directory that was made before there were any.
    #[serde(default)]
    pub(super) client_id: Option<String>,
    /// The app; none in a directory that was made before there were any.
    #[serde(default)]
    pub(super) app_id: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Marker {
    made_by: String,
    finished: Option<Facts>,
}

/// A directory, which may not be there yet.
pub(super) struct Directory {
    path: PathBuf,
}

impl Directory {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn master_key(&self) -> PathBuf {
        self.path.join(MASTER_KEY)
    }

    /// How far the set-up has come.
    ///
    /// # Errors
    /// The directory holds an instance that is not ours, or cannot be read.
    pub(super) fn state(&self) -> Result<State, Failure> {
        let marker = self.path.join(MARKER);
        let text = match std::fs::read_to_string(&marker) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return self.refuse_strange().map(|()| State::Absent);
            }
            Err(error) => {
                let message = format!("{} cannot be read: {error}", marker.display());
                return Err(
                    Failure::new(Exit::Failed, message).hint("name another directory with --data")
                );
            }
        };
        let marker: Marker = serde_json::from_str(&text).map_err(|_| self.strange())?;
        match marker.finished {
            None => Ok(State::Unfinished),
            Some(facts) => Ok(State::Finished(facts)),
        }
    }

    /// Makes the directory and marks it as ours, before anything else is in it.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn begin(&self) -> Result<(), Failure> {
        files::make_directory(&self.path)?;
        self.mark(None)
    }

    /// Marks the set-up as finished.
    ///
    /// # Errors
    /// The marker cannot be written.
    pub(super) fn finish(&self, facts: &Facts) -> Result<(), Failure> {
        self.mark(Some(facts.clone()))
    }

    /// Removes what dev made, and nothing else.
    ///
    /// # Errors
    /// A server runs on it, or a file cannot be removed.
    pub(super) fn clear(&self) -> Result<(), Failure> {
        if !self.path.join(MARKER).exists() {
            return Ok(());
        }
        let _lock = self.lock()?;
        for name in OURS {
            files::remove(&self.path.join(name))?;
        }
        files::remove(&self.path.join(MARKER))
    }

    /// Makes sure that no server runs on the directory.
    fn lock(&self) -> Result<File, Failure> {
        let path = self.path.join(LOCK);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = file.map_err(|error| {
            let message = format!("{} cannot be opened: {error}", path.display());
            Failure::new(Exit::Permission, message)
        })?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                let message = format!(
                    "another claviger server is running on {}",
                    self.path.display()
                );
                Err(Failure::new(Exit::Conflict, message).hint("stop it first"))
            }
            Err(TryLockError::Error(error)) => Err(Failure::new(
                Exit::Failed,
                format!("{}: {error}", path.display()),
            )),
        }
    }

    fn mark(&self, finished: Option<Facts>) -> Result<(), Failure> {
        let marker = Marker {
            made_by: "claviger dev".to_owned(),
            finished,
        };
        let text = serde_json::to_string_pretty(&marker)
            .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        files::replace(&self.path.join(MARKER), &format!("{text}\n"))
    }

    /// A database, key or configuration without our marker is somebody's instance.
    fn refuse_strange(&self) -> Result<(), Failure> {
        let names = OURS.iter().chain([&CONFIG_FILE]);
        let mut found = names.filter(|name| self.path.join(name).exists());
        match found.next() {
            None => Ok(()),
            Some(_) => Err(self.strange()),
        }
    }

    fn strange(&self) -> Failure {
        let message = format!(
            "{} holds an instance that `claviger dev` did not make",
            self.path.display()
        );
        let hint = "name another directory with --data, or start it with `claviger serve --config`";
        Failure::new(Exit::Conflict, message).hint(hint)
    }
}
