//! The journal of revocations beside a SQLite database: after each commit that took power away, the
//! rows of what it changed as they are now. It is no part of the database, so that it still knows
//! them when an older state of the database is put back.

mod file;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use claviger_model::UnixMillis;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::keyring::Keyring;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::conn::{Conn, Tx};
use super::{Ballast, Db};
use crate::error::{Cause, StoreError};
use crate::ledger;
pub use file::JournalRead;
pub use rows::Replayed;

/// A journal that is written to. Clones share it.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    file: PathBuf,
    keyring: Arc<Keyring>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tail: Option<file::Tail>,
    /// What could not be written yet.
    unwritten: Vec<JournalEntry>,
}

/// What one commit left in the journal.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Its place, without gaps.
    pub number: u64,
    /// Up to which epoch the journal knew everything before this entry. Of the first one it says
    /// from where on it knows all.
    pub after: i64,
    /// The epoch of the commit.
    pub epoch: i64,
    /// When it was, as the audit log has it.
    pub at: UnixMillis,
    /// What was changed.
    pub things: Vec<Thing>,
}

/// A thing with all of its rows, as they were after a commit.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Thing {
    /// What it is: a word of [`ChangeKind`].
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its rows by table, column by column.
    pub tables: BTreeMap<String, Vec<Map<String, Value>>>,
}

impl Journal {
    /// The journal in `file`. Nothing is read or written yet.
    pub fn new(file: PathBuf, keyring: Arc<Keyring>) -> Self {
        Self {
            inner: Arc::new(Inner {
                file,
                keyring,
                state: Mutex::default(),
            }),
        }
    }

    /// Reads a journal; none where there is none.
    ///
    /// # Errors
    /// The file cannot be read. Lines that cannot be believed are no error but part of the answer.
    pub fn read(file: &Path, keyring: &Keyring) -> io::Result<Option<JournalRead>> {
        file::read(file, keyring)
    }

    /// The epoch of the last commit that a journal knows of, without reading all of it; none where
    /// there is no journal.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn last_epoch(file: &Path, keyring: &Keyring) -> io::Result<Option<i64>> {
        file::last_epoch(file, keyring)
    }

    /// Starts or goes on with the journal of a database that was opened: what a crash kept from
    /// being written is written now, and what is older than `forget_before` is dropped. A file that
    /// cannot be believed is put aside.
    ///
    /// # Errors
    /// The file or the database cannot be read or written.
    pub async fn begin(&self, db: &Db, forget_before: UnixMillis) -> Result<(), StoreError> {
        let journal = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let Inner { file, keyring, .. } = &*journal.inner;
            file::tidy(file, keyring, forget_before)?;
            file::read(file, keyring)
        });
        let last = match finished(read.await)? {
            Some(read) => read.last_epoch(),
            None => None,
        };
        let mut reader = db.read().await?;
        let epoch = ledger::epoch(&mut reader).await?;
        let entry = match last {
            None => JournalEntry::at(epoch, epoch),
            Some(last) if last >= epoch => return Ok(()),
            Some(last) => {
                let changes = ledger::changes_since(&mut reader, last).await?;
                let changes = changes.into_iter().map(|(_, change)| change).collect();
                let mut entry = JournalEntry::at(last, epoch);
                entry.things = rows::read(&mut reader, changes).await?;
                entry
            }
        };
        drop(reader);
        self.append(entry, None).await
    }

    /// Appends what a commit changed and brings it to the disk. What cannot be written is kept and
    /// written with the next one.
    pub(super) async fn note(&self, entry: JournalEntry, ballast: Option<Ballast>) {
        if let Err(error) = self.append(entry, ballast).await {
            tracing::error!(
                %error,
                "the journal of revocations cannot be written: until it can, a backup that is \
                 brought back would not know the last revocations"
            );
        }
    }

    async fn append(
        &self,
        entry: JournalEntry,
        ballast: Option<Ballast>,
    ) -> Result<(), StoreError> {
        let journal = self.clone();
        let written = tokio::task::spawn_blocking(move || {
            let Inner {
                file,
                keyring,
                state,
            } = &*journal.inner;
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.unwritten.push(entry);
            loop {
                let State { tail, unwritten } = &mut *state;
                match file::append(file, keyring, tail, unwritten) {
                    Ok(()) => {
                        unwritten.clear();
                        return Ok(());
                    }
                    Err(error) => {
                        let is_full = matches!(
                            error.kind(),
                            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                        );
                        *tail = None;
                        if !(is_full && ballast.as_ref().is_some_and(Ballast::give_up_part)) {
                            return Err(error);
                        }
                    }
                }
            }
        });
        finished(written.await)
    }
}

impl JournalEntry {
    fn at(after: i64, epoch: i64) -> Self {
        Self {
            number: 0,
            after,
            epoch,
            at: UnixMillis(0),
            things: Vec::new(),
        }
    }
}

/// What a commit changed, as it is now; none when nothing of it belongs into the journal.
pub(super) async fn entry_of(
    conn: &mut Conn,
    removed: Vec<Change>,
    epoch: i64,
    at: UnixMillis,
) -> Result<Option<JournalEntry>, StoreError> {
    let things = rows::read(conn, removed.into_iter().collect()).await?;
    if things.is_empty() {
        return Ok(None);
    }
    let entry = JournalEntry {
        at,
        things,
        ..JournalEntry::at(epoch - 1, epoch)
    };
    Ok(Some(entry))
}

impl Thing {
    /// The kind; none of a kind that this version does not know.
    pub fn kind(&self) -> Option<ChangeKind> {
        ChangeKind::parse(&self.kind)
    }

    /// Makes the rows of the thing in the database as they are here. Rows that are not there are
    /// not made, since what the database does not know has no power; rows that are not here are
    /// removed.
    ///
    /// # Errors
    /// The store's; a conflict where another row has to be changed before.
    pub async fn replay(&self, tx: &mut Tx) -> Result<Replayed, StoreError> {
        rows::replay(tx, self).await
    }
}

/// The things of entries after `epoch`, each as the last one has it.
pub(crate) fn latest(entries: &[JournalEntry], epoch: i64) -> Vec<Thing> {
    let mut latest: BTreeMap<(&str, &str), (i64, &Thing)> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.epoch > epoch) {
        for thing in &entry.things {
            let place = latest
                .entry((thing.kind.as_str(), thing.id.as_str()))
                .or_insert((entry.epoch, thing));
            if entry.epoch >= place.0 {
                *place = (entry.epoch, thing);
            }
        }
    }
    latest
        .into_values()
        .map(|(_, thing)| thing.clone())
        .collect()
}

/// The distinct changes.
pub(super) type Changes = BTreeSet<Change>;

fn finished<T>(joined: Result<io::Result<T>, tokio::task::JoinError>) -> Result<T, StoreError> {
    let cause = |why: String| StoreError::Unavailable(Cause::new(why));
    joined
        .map_err(|error| cause(error.to_string()))?
        .map_err(|error| cause(format!("the journal of revocations: {error}")))
}
