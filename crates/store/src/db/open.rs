//! Opening a database: files, pools, migrations, and the check of the master key.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use claviger_model::keyring::Keyring;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqlitePool};

use super::conn::{Conn, Handle};
use super::migrate::{self, Set};
use super::postgres::Pools;
use super::writer::Writer;
use super::{Backend, Db, Inner, Location};
use crate::error::{Cause, StoreError};
use crate::rows::Fields;

/// How long SQLite waits for another process, such as a command beside the server.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const BUSY_PAUSE: Duration = Duration::from_millis(100);
const BUSY_PAUSES_MAX: u32 = 5;
/// Connections of pages, exports and whoever else reads.
const READERS_MAX: u32 = 8;
/// Those of the follower, and on PostgreSQL of revocations.
const URGENT_MAX: u32 = 2;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// In milliseconds, as PostgreSQL takes it.
const STATEMENT_TIMEOUT_MILLIS: &str = "10000";
const IDLE_IN_TRANSACTION_MILLIS: &str = "60000";
/// More than there are statements, so that each is prepared once a connection.
const STATEMENTS_CACHED: usize = 300;
/// Rows that SQLite's thread may be ahead of its reader.
const ROWS_AHEAD: usize = 1_000;

/// Fails when there is no file to open.
pub(super) fn require(location: &Location) -> Result<(), StoreError> {
    match location {
        Location::Sqlite { file } if !file.exists() => {
            Err(StoreError::Missing { path: file.clone() })
        }
        _ => Ok(()),
    }
}

pub(super) async fn open(
    location: &Location,
    keyring: Arc<Keyring>,
    set: Set,
) -> Result<Db, StoreError> {
    let backend = match location {
        Location::Sqlite { file } => open_sqlite(file, &keyring, set).await?,
        Location::Postgres { url } => open_postgres(url, &keyring, set).await?,
    };
    let inner = Arc::new(Inner::new(keyring, backend));
    Ok(Db { inner })
}

async fn open_sqlite(file: &Path, keyring: &Arc<Keyring>, set: Set) -> Result<Backend, StoreError> {
    create_file(file)?;
    let synchronous = match set {
        Set::Main => SqliteSynchronous::Full,
        Set::Usage => SqliteSynchronous::Normal,
    };
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("trusted_schema", "OFF")
        .pragma("temp_store", "MEMORY")
        .statement_cache_capacity(STATEMENTS_CACHED)
        .row_buffer_size(ROWS_AHEAD)
        .disable_statement_logging();
    let pool = |connections| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .acquire_timeout(ACQUIRE_TIMEOUT)
    };
    let write_pool = pool(1).connect_lazy_with(options.clone());
    prepare_sqlite(&write_pool, keyring, set).await?;
    let reading = options.pragma("query_only", "ON");
    Ok(Backend::Sqlite {
        readers: pool(READERS_MAX).connect_lazy_with(reading.clone()),
        urgent: pool(URGENT_MAX).connect_lazy_with(reading),
        writer: Writer::start(write_pool, Arc::clone(keyring)),
    })
}

/// Two processes that make a database at once are in each other's way when they turn on the
/// write-ahead log: for that SQLite does not wait on its own.
async fn prepare_sqlite(
    pool: &SqlitePool,
    keyring: &Arc<Keyring>,
    set: Set,
) -> Result<(), StoreError> {
    let mut pauses = BUSY_PAUSES_MAX;
    loop {
        let outcome = match pool.acquire().await {
            Ok(handle) => {
                let mut conn = Conn::new(Handle::Sqlite(handle), Arc::clone(keyring));
                let prepared = prepare(&mut conn, set).await;
                conn.discard();
                prepared
            }
            Err(error) => Err(error.into()),
        };
        if outcome != Err(StoreError::Busy) || pauses == 0 {
            return outcome;
        }
        pauses -= 1;
        tokio::time::sleep(BUSY_PAUSE).await;
    }
}

/// Makes the file, for its owner alone, or finds out that it cannot be written. SQLite gives the
/// files beside it the same mode.
fn create_file(file: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Ok(_) => Ok(()),
        Err(error) => Err(StoreError::NotWritable {
            path: file.to_owned(),
            source: Cause::new(error.to_string()),
        }),
    }
}

async fn open_postgres(url: &str, keyring: &Arc<Keyring>, set: Set) -> Result<Backend, StoreError> {
    // The driver's error may quote the URL.
    let options: PgConnectOptions = url
        .parse()
        .map_err(|_| StoreError::BadLocation(Cause::new("not a PostgreSQL URL")))?;
    let durability = match set {
        Set::Main => "on",
        Set::Usage => "off",
    };
    let options = options
        .application_name("claviger")
        .statement_cache_capacity(STATEMENTS_CACHED)
        .options([
            ("statement_timeout", STATEMENT_TIMEOUT_MILLIS),
            ("lock_timeout", STATEMENT_TIMEOUT_MILLIS),
            (
                "idle_in_transaction_session_timeout",
                IDLE_IN_TRANSACTION_MILLIS,
            ),
            ("synchronous_commit", durability),
            ("default_transaction_isolation", "read committed"),
        ])
        .disable_statement_logging();
    let pool = |connections| {
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
    };
    let read_options = options
        .clone()
        .options([("default_transaction_read_only", "on")]);
    let pools = Pools {
        reads: pool(READERS_MAX).connect_lazy_with(read_options),
        writes: pool(12).connect_lazy_with(options.clone()),
        urgent: pool(URGENT_MAX).connect_lazy_with(options),
    };
    let handle = pools.writes.acquire().await?;
    let mut conn = Conn::new(Handle::Postgres(handle), Arc::clone(keyring));
    prepare(&mut conn, set).await?;
    conn.discard();
    Ok(Backend::Postgres(pools))
}

/// Migrates and checks the master key, all or nothing.
async fn prepare(conn: &mut Conn, set: Set) -> Result<(), StoreError> {
    let outcome = prepare_locked(conn, set).await;
    if outcome.is_err() {
        // The connection is thrown away in any case.
        let _ = conn.run("ROLLBACK").await;
    }
    outcome
}

async fn prepare_locked(conn: &mut Conn, set: Set) -> Result<(), StoreError> {
    migrate::lock(conn).await?;
    migrate::apply(conn, set).await?;
    if set == Set::Main {
        check_master_key(conn).await?;
    }
    conn.run("COMMIT").await
}

/// A new database takes on the master key; another one has to know a version of it, and none
/// with another value.
async fn check_master_key(conn: &mut Conn) -> Result<(), StoreError> {
    let rows = conn
        .query("SELECT version, check_value FROM master_keys ORDER BY version")
        .fetch_all()
        .await?;
    let keyring = Arc::clone(conn.keyring());
    let mut known = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut fields = Fields::of("master_keys", row);
        known.push((fields.int()?, fields.hash()?));
    }
    let mut new = Vec::new();
    let mut common = 0;
    for (version, value) in keyring.checks() {
        let version = i64::from(version);
        match known.iter().find(|(known, _)| *known == version) {
            Some((_, expected)) if *expected == value => common += 1,
            Some(_) => return Err(StoreError::WrongMasterKey),
            None => new.push((version, value)),
        }
    }
    if common == 0 && !known.is_empty() {
        return Err(StoreError::WrongMasterKey);
    }
    for (version, value) in new {
        conn.query("INSERT INTO master_keys (version, check_value) VALUES ($1, $2)")
            .bind(version)
            .bind(value.as_slice())
            .execute()
            .await?;
    }
    Ok(())
}
