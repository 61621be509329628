//! Copies of a SQLite database: making one while it is in use, and looking at one.

use std::path::Path;
use std::sync::Arc;

use claviger_model::keyring::Keyring;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::writer::Writer;
use super::{Backend, Db, Inner};
use crate::error::{Cause, StoreError};

impl Db {
    /// Writes what is committed at this moment into an empty file, while everything goes on:
    /// whole, without what was deleted, and without a journal beside it.
    ///
    /// # Errors
    /// [`StoreError::Internal`] on PostgreSQL, which has its own ways; no place on the disk.
    pub async fn copy_into(&self, file: &Path) -> Result<(), StoreError> {
        let Backend::Sqlite { readers, .. } = &self.inner.backend else {
            return Err(StoreError::Internal(Cause::new(
                "no database of this machine",
            )));
        };
        let name = file.to_str().ok_or_else(|| {
            StoreError::BadLocation(Cause::new("the name of the copy is not UTF-8"))
        })?;
        let options = SqliteConnectOptions::clone(&readers.connect_options());
        let mut conn = options.pragma("query_only", "OFF").connect().await?;
        let copied = sqlx::query("VACUUM INTO $1")
            .bind(name)
            .execute(&mut conn)
            .await;
        conn.close().await?;
        Ok(copied.map(drop)?)
    }

    /// Opens a copy to read from it, as it is: nothing is migrated and no file is made beside it.
    /// The file must not change meanwhile.
    pub async fn open_copy(file: &Path, keyring: Arc<Keyring>) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .read_only(true)
            .immutable(true)
            .pragma("trusted_schema", "OFF")
            .disable_statement_logging();
        let pool = || SqlitePoolOptions::new().max_connections(2);
        // Answers that there is none.
        drop(pool().connect_with(options.clone()).await?);
        let writer = Writer::start(
            pool().connect_lazy_with(options.clone()),
            Arc::clone(&keyring),
        );
        let backend = Backend::Sqlite {
            readers: pool().connect_lazy_with(options.clone()),
            urgent: pool().connect_lazy_with(options),
            writer,
        };
        Ok(Self {
            inner: Arc::new(Inner::new(keyring, backend)),
        })
    }
}

/// Whether every page, row and reference of the SQLite database in `file` is sound.
///
/// # Errors
/// What is wrong, in SQLite's words, as [`StoreError::Damaged`]; or it is no database.
pub async fn check_integrity(file: &Path) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .immutable(true)
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging();
    let mut conn = options.connect().await?;
    let outcome = look(&mut conn).await;
    conn.close().await?;
    outcome
}

async fn look(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    let first: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(&mut *conn)
        .await?;
    if first != "ok" {
        let cause = format!("SQLite finds it damaged: {first}");
        return Err(StoreError::Damaged(Cause::new(cause)));
    }
    let dangling = sqlx::query("PRAGMA foreign_key_check")
        .fetch_optional(&mut *conn)
        .await?;
    match dangling {
        None => Ok(()),
        Some(_) => Err(StoreError::Damaged(Cause::new(
            "SQLite finds a reference to a row that is not there",
        ))),
    }
}
