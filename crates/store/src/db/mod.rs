//! The one seam: everything that differs between SQLite and PostgreSQL is in this module.
//!
//! All writes go through [`Db::write`]. On SQLite one task runs the waiting closures, each in a
//! savepoint of one transaction, and answers them all after their shared commit. On PostgreSQL
//! each is its own transaction.

mod ballast;
mod condition;
mod conn;
mod copy;
mod flush;
mod job;
mod journal;
mod migrate;
mod open;
mod plan;
mod postgres;
pub(crate) mod query;
mod work;
mod writer;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use claviger_model::keyring::Keyring;
use futures_core::future::BoxFuture;
use sqlx::SqlitePool;
use sqlx::postgres::PgConnectOptions;

pub use ballast::Ballast;
pub use condition::Condition;
pub use conn::{Conn, Reader, Reminder, Tx};
pub use copy::check_integrity;
pub(crate) use journal::latest;
pub use journal::{Journal, JournalEntry, JournalRead, Replayed, Thing};
#[cfg(feature = "testing")]
pub(crate) use migrate::all_postgres_sql;
#[cfg(feature = "testing")]
pub use plan::{Failing, RanStatements, with_failing};
pub use postgres::Wakeups;
pub use query::{Bind, Query, Read, Row};

use crate::error::StoreError;
use conn::Handle;
use migrate::Set;
use plan::Plan;
use postgres::Pools;
use writer::Writer;

/// Where a database is.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A file of this machine.
    Sqlite {
        /// The file; beside it SQLite keeps its `-wal` and `-shm`.
        file: PathBuf,
    },
    /// A server.
    Postgres {
        /// `postgres://user:password@host/database`; a secret.
        url: String,
    },
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { file } => f.debug_struct("Sqlite").field("file", file).finish(),
            Self::Postgres { .. } => f.write_str("Postgres { url: (secret) }"),
        }
    }
}

/// A database. Clones share it.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    keyring: Arc<Keyring>,
    backend: Backend,
    is_sealed: AtomicBool,
}

impl Inner {
    fn new(keyring: Arc<Keyring>, backend: Backend) -> Self {
        Self {
            keyring,
            backend,
            is_sealed: AtomicBool::new(false),
        }
    }
}

enum Backend {
    Sqlite {
        readers: SqlitePool,
        /// Of those who must not wait behind the others.
        urgent: SqlitePool,
        writer: Writer,
    },
    Postgres(Pools),
}

/// What a transaction gave, after its commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Committed<T> {
    /// What the closure returned.
    pub value: T,
    /// The epoch of its changes, when it recorded any.
    pub epoch: Option<i64>,
}

impl Db {
    /// Opens the main database: makes the file if there is none, migrates, and refuses a master
    /// key that the database does not know.
    pub async fn open(location: &Location, keyring: Arc<Keyring>) -> Result<Self, StoreError> {
        open::open(location, keyring, Set::Main).await
    }

    /// Opens the main database, which has to be there: a missing file is
    /// [`StoreError::Missing`].
    pub async fn open_existing(
        location: &Location,
        keyring: Arc<Keyring>,
    ) -> Result<Self, StoreError> {
        open::require(location)?;
        open::open(location, keyring, Set::Main).await
    }

    /// Opens the database of the decisions: on SQLite its own file, which trades the last writes
    /// before a power cut for speed; on PostgreSQL the same database as the main one.
    pub async fn open_usage(
        location: &Location,
        keyring: Arc<Keyring>,
    ) -> Result<Self, StoreError> {
        open::open(location, keyring, Set::Usage).await
    }

    /// Runs `work` in a transaction and answers after the commit. It goes on when the caller goes
    /// away. `work` is run again when PostgreSQL asks for it, so it has to have no effect but on
    /// its transaction, and it waits for nothing but the database.
    ///
    /// An error of `work` rolls back what it did. So does a statement that failed inside it, even
    /// when `work` returned `Ok`: PostgreSQL has given up the transaction by then.
    pub async fn write<T, E, F>(&self, work: F) -> Result<Committed<T>, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        self.refuse_sealed()?;
        self.write_sealed(work).await
    }

    /// The same on a sealed database: for what opens it again and for nothing else.
    pub async fn write_sealed<T, E, F>(&self, work: F) -> Result<Committed<T>, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        match &self.inner.backend {
            Backend::Sqlite { writer, .. } => writer.write(work).await,
            Backend::Postgres(pools) => {
                let keyring = Arc::clone(&self.inner.keyring);
                postgres::write(pools.writes.clone(), keyring, work).await
            }
        }
    }

    /// The same ahead of everything that waits: for heartbeats and little else.
    pub async fn write_urgent<T, E, F>(&self, work: F) -> Result<Committed<T>, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        self.refuse_sealed()?;
        match &self.inner.backend {
            Backend::Sqlite { writer, .. } => writer.write_urgent(work).await,
            Backend::Postgres(pools) => {
                let keyring = Arc::clone(&self.inner.keyring);
                postgres::write(pools.urgent.clone(), keyring, work).await
            }
        }
    }

    /// The same for what takes power away: on SQLite it is done on a full disk too, in the place
    /// that the [`Ballast`] keeps.
    pub async fn write_removal<T, E, F>(&self, work: F) -> Result<Committed<T>, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        self.refuse_sealed()?;
        match &self.inner.backend {
            Backend::Sqlite { writer, .. } => writer.write_removal(work).await,
            Backend::Postgres(_) => self.write(work).await,
        }
    }

    /// Keeps place on the disk for removals from now on; nothing on PostgreSQL. Once at most.
    pub fn keep_ballast(&self, ballast: Ballast) {
        if let Backend::Sqlite { writer, .. } = &self.inner.backend {
            writer.keep_ballast(ballast);
        }
    }

    /// Whether the disk was found full and nothing but removals is written.
    pub fn is_full(&self) -> bool {
        match &self.inner.backend {
            Backend::Sqlite { writer, .. } => writer.is_full(),
            Backend::Postgres(_) => false,
        }
    }

    /// How it keeps what it is given; of PostgreSQL its own operator knows.
    pub fn condition(&self) -> Condition {
        match &self.inner.backend {
            Backend::Sqlite { writer, .. } => match writer.signs().condition() {
                Condition::Sound if writer.is_full() => Condition::Full,
                condition => condition,
            },
            Backend::Postgres(_) => Condition::Sound,
        }
    }

    /// How often the disk failed or damage was found since the start.
    pub fn disk_errors(&self) -> u64 {
        match &self.inner.backend {
            Backend::Sqlite { writer, .. } => writer.signs().errors(),
            Backend::Postgres(_) => 0,
        }
    }

    /// Refuses every change from now on, as [`StoreError::Sealed`].
    pub fn seal(&self) {
        self.inner.is_sealed.store(true, Ordering::Release);
    }

    /// Takes changes again.
    pub fn unseal(&self) {
        self.inner.is_sealed.store(false, Ordering::Release);
    }

    /// Whether every change is refused.
    pub fn is_sealed(&self) -> bool {
        self.inner.is_sealed.load(Ordering::Acquire)
    }

    fn refuse_sealed(&self) -> Result<(), StoreError> {
        if self.is_sealed() {
            return Err(StoreError::Sealed);
        }
        Ok(())
    }

    /// Notes removals in a journal beside a SQLite database from now on; nothing on PostgreSQL.
    /// Once at most.
    pub fn keep_journal(&self, journal: Journal) {
        if let Backend::Sqlite { writer, .. } = &self.inner.backend {
            writer.keep_journal(journal);
        }
    }

    /// A connection to read from.
    pub async fn read(&self) -> Result<Reader, StoreError> {
        let handle = match &self.inner.backend {
            Backend::Sqlite { readers, .. } => Handle::Sqlite(readers.acquire().await?),
            Backend::Postgres(pools) => Handle::Postgres(pools.reads.acquire().await?),
        };
        Ok(self.reader(handle))
    }

    /// The same for the few reads on which it depends whether this process goes on deciding: they
    /// do not wait for a connection behind exports and pages.
    pub async fn read_urgent(&self) -> Result<Reader, StoreError> {
        let handle = match &self.inner.backend {
            Backend::Sqlite { urgent, .. } => Handle::Sqlite(urgent.acquire().await?),
            Backend::Postgres(pools) => Handle::Postgres(pools.urgent.acquire().await?),
        };
        Ok(self.reader(handle))
    }

    fn reader(&self, handle: Handle) -> Reader {
        let mut conn = Conn::new(handle, Arc::clone(&self.inner.keyring));
        if let Backend::Sqlite { writer, .. } = &self.inner.backend {
            conn = conn.reporting_to(Arc::clone(writer.signs()));
        }
        Reader::new(conn.following(Plan::present()))
    }

    /// Whether it is a file of this machine.
    pub fn is_sqlite(&self) -> bool {
        matches!(self.inner.backend, Backend::Sqlite { .. })
    }

    /// Whether it answers.
    pub async fn ready(&self) -> Result<(), StoreError> {
        let mut reader = self.read().await?;
        reader.query("SELECT 1").fetch_one().await.map(drop)
    }

    /// The latest migration that was applied; none of a database that has none.
    pub async fn schema(&self) -> Result<Option<String>, StoreError> {
        let mut reader = self.read().await?;
        let row = reader
            .query("SELECT name FROM migrations ORDER BY version DESC LIMIT 1")
            .fetch_optional()
            .await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Hears of other nodes' commits early; `None` on SQLite, where nobody tells.
    pub async fn listen(&self) -> Result<Option<Wakeups>, StoreError> {
        match &self.inner.backend {
            Backend::Sqlite { .. } => Ok(None),
            Backend::Postgres(pools) => {
                let options = PgConnectOptions::clone(&pools.reads.connect_options());
                Wakeups::listen(options).await.map(Some)
            }
        }
    }

    /// Finishes what was queued and closes every connection. Afterwards everything fails with
    /// [`StoreError::Unavailable`].
    pub async fn close(&self) {
        match &self.inner.backend {
            Backend::Sqlite {
                readers,
                urgent,
                writer,
            } => {
                urgent.close().await;
                readers.close().await;
                writer.close().await;
            }
            Backend::Postgres(pools) => pools.close().await,
        }
    }
}
