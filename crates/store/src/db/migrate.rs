//! Schema migrations: SQL files, applied in one transaction under one lock.

use super::conn::Conn;
use crate::error::StoreError;
use crate::rows::Fields;

/// Which schema a database has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Set {
    /// Everything but the decisions.
    Main,
    /// The decisions. Its versions start at 1001, so that both fit in one PostgreSQL database.
    Usage,
}

struct Migration {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    ($set:literal: $($version:literal = $name:literal,)*) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $set, "/", $name, ".sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $set, "/", $name, ".sql")),
        },)*]
    };
}

const MAIN: &[Migration] = migrations! { "main":
    1 = "0001_ledger",
    2 = "0002_people",
    3 = "0003_credentials",
    4 = "0004_clients",
    5 = "0005_tokens",
    6 = "0006_apps",
    7 = "0007_spent_identifiers",
    8 = "0008_pushed_requests",
    9 = "0009_device_authorizations",
    10 = "0010_rotations",
    11 = "0011_people",
    12 = "0012_webhooks",
    13 = "0013_imports",
    14 = "0014_checkpoints",
    16 = "0016_sandbox",
    17 = "0017_reminders",
    18 = "0018_ceilings",
    19 = "0019_demo_accounts",
    20 = "0020_key_counts",
};

const USAGE: &[Migration] = migrations! { "usage":
    1001 = "1001_decisions",
    1002 = "1002_secret_uses",
    1003 = "1003_apps",
    1004 = "1004_refusals",
    1005 = "1005_usage",
};

impl Set {
    fn migrations(self) -> &'static [Migration] {
        match self {
            Self::Main => MAIN,
            Self::Usage => USAGE,
        }
    }

    /// The versions that belong to the set, known to this program or not.
    fn owns(self, version: i64) -> bool {
        match self {
            Self::Main => version <= 1_000,
            Self::Usage => version > 1_000,
        }
    }
}

/// Everything that the migrations consist of, to tell schemas apart by a hash.
#[cfg(feature = "testing")]
pub(crate) fn all_postgres_sql() -> impl Iterator<Item = &'static str> {
    MAIN.iter().chain(USAGE).map(|migration| migration.postgres)
}

/// Begins a transaction that no other program is in at the same time.
pub(super) async fn lock(conn: &mut Conn) -> Result<(), StoreError> {
    if conn.is_sqlite() {
        return conn.run("BEGIN IMMEDIATE").await;
    }
    // Another node may be migrating much data: wait for it as long as it takes.
    conn.run(
        "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
         SELECT pg_advisory_xact_lock(7163298420614)",
    )
    .await
}

/// Applies what is missing of `set`, inside the transaction of [`lock`].
pub(super) async fn apply(conn: &mut Conn, set: Set) -> Result<(), StoreError> {
    conn.query2(
        "CREATE TABLE IF NOT EXISTS migrations
             (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT",
        "CREATE TABLE IF NOT EXISTS migrations
             (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)",
    )
    .execute()
    .await?;
    let mut applied = Vec::new();
    for row in conn
        .query("SELECT version FROM migrations")
        .fetch_all()
        .await?
    {
        applied.push(Fields::of("migrations", &row).int()?);
    }
    let known = set
        .migrations()
        .last()
        .map_or(0, |migration| migration.version);
    let found = applied
        .iter()
        .copied()
        .filter(|version| set.owns(*version))
        .max();
    if let Some(found) = found.filter(|found| *found > known) {
        return Err(StoreError::NewerSchema { found, known });
    }
    for migration in set.migrations() {
        if applied.contains(&migration.version) {
            continue;
        }
        let sql = if conn.is_sqlite() {
            migration.sqlite
        } else {
            migration.postgres
        };
        conn.run(sql).await?;
        conn.query("INSERT INTO migrations (version, name) VALUES ($1, $2)")
            .bind(migration.version)
            .bind(migration.name)
            .execute()
            .await?;
    }
    Ok(())
}
