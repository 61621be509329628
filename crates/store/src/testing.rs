//! Databases for tests: a fresh one each, on SQLite always and on PostgreSQL when the environment
//! variable `CLAVIGER_TEST_POSTGRES` names a server, such as `postgres://postgres@127.0.0.1:5432`.

mod tables;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use claviger_model::audit::{CHAIN_START, chain_hash, leaf_hash};
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::keyring::{Keyring, master_key_line};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::db::all_postgres_sql;
pub use crate::db::{Failing, RanStatements, with_failing};
use crate::{Db, Location, StoreError, Tx, audit};
pub use tables::Tables;

/// Counts the databases of this process, for their names.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// A database of its own, gone when this is dropped.
pub struct TestDatabase {
    /// The main database.
    pub db: Db,
    /// The database of the decisions.
    pub usage: Db,
    /// Where the main database is.
    pub location: Location,
    /// Where the database of the decisions is.
    pub usage_location: Location,
    keyring: Arc<Keyring>,
    place: Place,
}

enum Place {
    Directory(PathBuf),
    Database { server: String, name: String },
}

/// The master key of every test.
pub fn keyring() -> Arc<Keyring> {
    keyring_of(7)
}

/// Another master key, of the same version for the same `fill`.
pub fn keyring_of(fill: u8) -> Arc<Keyring> {
    let line = master_key_line(1, &[fill; 32]);
    match Keyring::parse(&line) {
        Ok(keyring) => Arc::new(keyring),
        Err(error) => unreachable!("a fixed line: {error}"),
    }
}

/// Runs `test` on a fresh database of each kind.
pub async fn for_each_database<F: Future<Output = ()>>(test: impl Fn(Db) -> F) {
    for database in TestDatabase::all().await {
        test(database.db.clone()).await;
        database.close().await;
    }
}

/// What somebody who can write the database can do to the audit log.
#[derive(Clone, Copy, Debug)]
pub enum AuditDamage {
    /// Say that somebody else did the second event.
    Edited,
    /// Make the second event unreadable.
    Unreadable,
    /// Take out the third event.
    Removed,
    /// Take off the last event.
    CutOff,
    /// Make the ledger forget the last event.
    Forgotten,
    /// Say that somebody else did the second event, and make every hash anew.
    Rewritten,
    /// Take out every checkpoint.
    Unsigned,
}

/// Damages the audit log.
pub async fn damage_audit(db: &Db, damage: AuditDamage) -> Result<(), StoreError> {
    let sql = match damage {
        AuditDamage::Edited => "UPDATE audit SET actor = 'somebody else' WHERE seq = 2",
        AuditDamage::Unreadable => "UPDATE audit SET id = 'damaged' WHERE seq = 2",
        AuditDamage::Removed => "DELETE FROM audit WHERE seq = 3",
        AuditDamage::CutOff => "DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)",
        AuditDamage::Forgotten => "UPDATE ledger SET audit_seq = audit_seq - 1 WHERE id = 1",
        AuditDamage::Rewritten => return rewrite_audit(db).await,
        AuditDamage::Unsigned => "DELETE FROM audit_checkpoints",
    };
    let damaged = db
        .write(move |tx: &mut Tx| Box::pin(async move { tx.query(sql).execute().await.map(drop) }));
    damaged.await.map(drop)
}

/// Brings the schema of the SQLite database in `file` back to an earlier one: without its last
/// migrations.
pub async fn step_back(file: &Path, master_key: &str) -> Result<(), StoreError> {
    let Ok(keyring) = Keyring::parse(master_key) else {
        return Err(StoreError::WrongMasterKey);
    };
    let location = Location::Sqlite {
        file: file.to_owned(),
    };
    let db = Db::open_existing(&location, Arc::new(keyring)).await?;
    let stepped = db.write(|tx: &mut Tx| {
        Box::pin(async move {
            for sql in [
                "ALTER TABLE demo_records DROP COLUMN account_id",
                "ALTER TABLE clients DROP COLUMN lifetime_ceiling_seconds",
                "ALTER TABLE clients DROP COLUMN quota_ceiling",
                "ALTER TABLE clients DROP COLUMN quota_mode_ceiling",
                "ALTER TABLE keys DROP COLUMN rate_ceiling",
                "ALTER TABLE keys DROP COLUMN rate_ceiling_window_seconds",
                "DELETE FROM migrations WHERE version IN (18, 19)",
            ] {
                tx.query(sql).execute().await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    let stepped = stepped.await.map(drop);
    db.close().await;
    stepped
}

async fn rewrite_audit(db: &Db) -> Result<(), StoreError> {
    let rewritten = db.write(|tx: &mut Tx| {
        Box::pin(async move {
            let query = tx.query("UPDATE audit SET actor = 'somebody else' WHERE seq = 2");
            query.execute().await?;
            let mut hash = CHAIN_START;
            for event in audit::chain_page(tx, 0, u32::MAX).await? {
                hash = chain_hash(&hash, &leaf_hash(event.seq, &event.event));
                let query = tx.query("UPDATE audit SET hash = $1 WHERE seq = $2");
                query
                    .bind(hash.as_slice())
                    .bind(event.seq)
                    .execute()
                    .await?;
            }
            let query = tx.query("UPDATE ledger SET audit_hash = $1 WHERE id = 1");
            query.bind(hash.as_slice()).execute().await.map(drop)
        })
    });
    rewritten.await.map(drop)
}

/// How many messages to the outside there are of a topic, about accounts.
pub async fn messages_of_accounts(db: &Db, topic: &'static str) -> Result<i64, StoreError> {
    let mut reader = db.read().await?;
    let query =
        reader.query("SELECT COUNT(*) FROM outbox WHERE topic = $1 AND account_id IS NOT NULL");
    query.bind(topic).fetch_one().await?.get(0)
}

/// Makes every signing key sign later, as somebody would who can write the database but lacks the
/// master key.
pub async fn forge_signing_keys(db: &Db) -> Result<(), StoreError> {
    let forged = db.write(|tx: &mut Tx| {
        Box::pin(async move {
            let query = tx.query("UPDATE signing_keys SET signs_from = signs_from + 1");
            query.execute().await?;
            tx.change(Change::new(ChangeKind::SigningKey, "forged"));
            Ok(())
        })
    });
    forged.await.map(drop)
}

/// Puts another digest into every hash of an imported key, as somebody would who can write the
/// database but lacks the master key.
pub async fn forge_imported_hashes(db: &Db, digest: &'static str) -> Result<(), StoreError> {
    let forged = db.write(move |tx: &mut Tx| {
        Box::pin(async move {
            let query = tx.query("UPDATE imported_hashes SET hash = $1");
            query.bind(digest).execute().await.map(drop)
        })
    });
    forged.await.map(drop)
}

impl TestDatabase {
    /// A fresh SQLite database in a directory of its own.
    pub async fn sqlite() -> Self {
        let name = unique_name();
        let directory = std::env::temp_dir().join(name);
        let made = std::fs::create_dir_all(&directory);
        assert!(made.is_ok(), "{made:?}");
        let location = |file: &str| Location::Sqlite {
            file: directory.join(file),
        };
        let locations = (location("claviger.db"), location("usage.db"));
        Self::open(locations, Place::Directory(directory)).await
    }

    /// A fresh PostgreSQL database, when there is a server for tests.
    pub async fn postgres() -> Option<Self> {
        let server = server()?;
        let name = unique_name();
        let made = make_from_template(&server, &name).await;
        assert!(made.is_ok(), "{made:?}");
        let location = Location::Postgres {
            url: url(&server, &name),
        };
        let place = Place::Database { server, name };
        Some(Self::open((location.clone(), location), place).await)
    }

    /// A fresh database of each kind.
    pub async fn all() -> Vec<Self> {
        let mut databases = vec![Self::sqlite().await];
        databases.extend(Self::postgres().await);
        databases
    }

    /// Closes and opens again: what a restart is to the store.
    pub async fn reopen(&mut self) {
        self.db.close().await;
        self.usage.close().await;
        let main = Db::open_existing(&self.location, Arc::clone(&self.keyring)).await;
        let usage = Db::open_usage(&self.usage_location, Arc::clone(&self.keyring)).await;
        match (main, usage) {
            (Ok(main), Ok(usage)) => (self.db, self.usage) = (main, usage),
            (main, usage) => unreachable!("{:?} {:?}", main.err(), usage.err()),
        }
    }

    /// Closes it; dropping the rest then waits for nothing.
    pub async fn close(self) {
        self.db.close().await;
        self.usage.close().await;
    }

    async fn open(locations: (Location, Location), place: Place) -> Self {
        let keyring = keyring();
        let (location, usage_location) = locations;
        let main = Db::open(&location, Arc::clone(&keyring)).await;
        let usage = Db::open_usage(&usage_location, Arc::clone(&keyring)).await;
        match (main, usage) {
            (Ok(db), Ok(usage)) => Self {
                db,
                usage,
                location,
                usage_location,
                keyring,
                place,
            },
            (main, usage) => unreachable!("{:?} {:?}", main.err(), usage.err()),
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        match &self.place {
            // Left behind at worst: it is in the directory for such files.
            Place::Directory(directory) => drop(std::fs::remove_dir_all(directory)),
            Place::Database { server, name } => {
                let (server, name) = (server.clone(), name.clone());
                // Not on this thread: it may be one of a runtime.
                let _ = std::thread::spawn(move || drop_database(&server, &name)).join();
            }
        }
    }
}

fn drop_database(server: &str, name: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else { return };
    let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    let dropped = runtime.block_on(async {
        let mut admin = connect(server).await?;
        run(&mut admin, sql).await
    });
    if let Err(error) = dropped {
        tracing::warn!(%error, name, "a test database was left behind");
    }
}

/// Copies the template, which is made once for all tests with this schema.
async fn make_from_template(server: &str, name: &str) -> Result<(), sqlx::Error> {
    let template = template_name();
    let mut admin = connect(server).await?;
    // Copying a database needs it for itself, so this is one at a time.
    run(&mut admin, "SELECT pg_advisory_lock(7163298420615)").await?;
    let exists = sqlx::query("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(&template)
        .fetch_optional(&mut admin)
        .await?
        .is_some();
    if !exists {
        let making = format!("{template}_making");
        run(
            &mut admin,
            format!("DROP DATABASE IF EXISTS {making} WITH (FORCE)"),
        )
        .await?;
        run(&mut admin, format!("CREATE DATABASE {making}")).await?;
        let migrated = migrate(server, &making).await;
        migrated.map_err(|error| sqlx::Error::Configuration(Box::new(error)))?;
        run(
            &mut admin,
            format!("ALTER DATABASE {making} RENAME TO {template}"),
        )
        .await?;
    }
    run(
        &mut admin,
        format!("CREATE DATABASE {name} TEMPLATE {template}"),
    )
    .await?;
    admin.close().await
}

async fn migrate(server: &str, database: &str) -> Result<(), StoreError> {
    let location = Location::Postgres {
        url: url(server, database),
    };
    Db::open(&location, keyring()).await?.close().await;
    Db::open_usage(&location, keyring()).await?.close().await;
    Ok(())
}

/// The template's name, another one for each schema.
fn template_name() -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in all_postgres_sql().flat_map(str::bytes) {
        // FNV-1a: any hash would do.
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    format!("claviger_template_{hash:016x}")
}

fn unique_name() -> String {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("claviger_test_{}_{count}", std::process::id())
}

#[expect(
    clippy::disallowed_methods,
    reason = "where tests find their server is no argument"
)]
fn server() -> Option<String> {
    std::env::var("CLAVIGER_TEST_POSTGRES").ok()
}

fn url(server: &str, database: &str) -> String {
    format!("{}/{database}", server.trim_end_matches('/'))
}

async fn connect(server: &str) -> Result<PgConnection, sqlx::Error> {
    let options: PgConnectOptions = url(server, "postgres").parse()?;
    PgConnection::connect_with(&options).await
}

async fn run(admin: &mut PgConnection, sql: impl Into<String>) -> Result<(), sqlx::Error> {
    let sql = AssertSqlSafe(sql.into());
    sqlx::raw_sql(sql).execute(admin).await.map(drop)
}
