//! Why the store could not do what it was asked to. No message ever carries a stored value.

use std::path::PathBuf;
use std::sync::Arc;

use sqlx::error::{DatabaseError, ErrorKind};

/// What a driver said, reduced to what may stand in a log: codes and names, no values.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Cause(Arc<str>);

impl Cause {
    /// The cause that `sentence` tells of.
    pub fn new(sentence: impl Into<Arc<str>>) -> Self {
        Self(sentence.into())
    }
}

/// Why the store could not do what it was asked to.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database was made with another master key.
    #[error("the master key is not the one that this database was made with")]
    WrongMasterKey,
    /// There is no database file.
    #[error("there is no database at {path}")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The database file cannot be written.
    #[error("the database at {path} cannot be written: {source}")]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Cause,
    },
    /// The location cannot be read as one: a URL that is none.
    #[error("the location of the database cannot be used: {0}")]
    BadLocation(Cause),
    /// The database cannot take it now: unreachable, full, read-only, out of time. Nothing was
    /// changed, except that a connection lost during a commit leaves open whether it happened.
    #[error("the database cannot be used at the moment: {0}")]
    Unavailable(#[source] Cause),
    /// The disk of the database is full. Nothing was changed.
    #[error("the disk of the database is full: {0}")]
    Full(#[source] Cause),
    /// The disk below the database failed. What was to be changed is not acknowledged; whether it
    /// is there shows only after a restart.
    #[error("the disk of the database failed: {0}")]
    DiskError(#[source] Cause),
    /// The file of the database is not what was written.
    #[error("the file of the database is damaged: {0}")]
    Damaged(#[source] Cause),
    /// The database came back from a backup and nobody has looked at it yet. Nothing was changed.
    #[error("the instance is sealed: it came back from a backup")]
    Sealed,
    /// Too much waits for the database already.
    #[error("too many requests wait for the database")]
    Busy,
    /// The row exists already, was changed since it was read, or is still referred to.
    #[error("conflict with {constraint}")]
    Conflict {
        /// `table.column` of the violated uniqueness, `table.row_version` for a row that was
        /// changed or removed since it was read, `foreign_key` for a reference.
        constraint: String,
    },
    /// A row was changed by somebody without the master key.
    #[error("the seal of {table} {id} is broken: the row was not written by this system")]
    BrokenSeal {
        /// The table.
        table: &'static str,
        /// The row.
        id: String,
    },
    /// A row holds what no row of its table can hold.
    #[error("{table} {id} is damaged: {what} cannot be read")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row.
        id: String,
        /// The column.
        what: String,
    },
    /// A newer version of Claviger has migrated the database.
    #[error("the database has schema {found}, this version knows up to {known}: upgrade first")]
    NewerSchema {
        /// The schema version in the database.
        found: i64,
        /// The newest version that this program has.
        known: i64,
    },
    /// A fault of the program.
    #[error("unexpected answer from the database: {0}")]
    Internal(#[source] Cause),
}

/// What a driver's error means, and whether the transaction may simply be tried again.
pub(crate) struct Diagnosis {
    pub(crate) error: StoreError,
    pub(crate) is_retryable: bool,
}

impl Diagnosis {
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        let sqlstate_retry = |code: &str| matches!(code, "40001" | "40P01");
        let is_retryable = error
            .as_database_error()
            .and_then(DatabaseError::code)
            .is_some_and(|code| sqlstate_retry(&code));
        Self {
            error: StoreError::from(error),
            is_retryable,
        }
    }
}

impl From<&sqlx::Error> for StoreError {
    fn from(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(database) => of_database(&**database),
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::Io(io) => Self::Unavailable(Cause::new(io.to_string())),
            sqlx::Error::Tls(_) => Self::Unavailable(Cause::new("the TLS handshake failed")),
            sqlx::Error::PoolClosed => Self::Unavailable(Cause::new("it was closed")),
            sqlx::Error::WorkerCrashed => Self::Unavailable(Cause::new("its thread ended")),
            sqlx::Error::Protocol(_) => Self::Unavailable(Cause::new("protocol error")),
            sqlx::Error::Configuration(_) => {
                Self::BadLocation(Cause::new("its URL or one of its options is not valid"))
            }
            sqlx::Error::ColumnDecode { index, .. } => {
                Self::Internal(Cause::new(format!("column {index} has another type")))
            }
            sqlx::Error::RowNotFound => Self::Internal(Cause::new("no row")),
            sqlx::Error::Encode(_) => Self::Internal(Cause::new("a value cannot be sent")),
            _ => Self::Internal(Cause::new("driver error")),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::from(&error)
    }
}

fn of_database(error: &dyn DatabaseError) -> StoreError {
    match error.kind() {
        ErrorKind::UniqueViolation => StoreError::Conflict {
            constraint: violated(error),
        },
        ErrorKind::ForeignKeyViolation => StoreError::Conflict {
            constraint: "foreign_key".to_owned(),
        },
        _ => {
            let code = error.code().unwrap_or_default();
            // Five characters are a SQLSTATE, fewer the number of a SQLite result.
            if error
                .try_downcast_ref::<sqlx::sqlite::SqliteError>()
                .is_some()
            {
                of_sqlite(&code, error.message())
            } else {
                of_postgres(&code, error.message())
            }
        }
    }
}

fn of_sqlite(code: &str, message: &str) -> StoreError {
    let cause = || Cause::new(format!("SQLite: {message} (code {code})"));
    let number = code.parse::<u32>().unwrap_or(0);
    // FULL; and what a quota or a limit of the size of files looks like: IOERR_WRITE and
    // IOERR_SHMSIZE.
    if matches!(number, 13 | 778 | 4874) {
        return StoreError::Full(cause());
    }
    // The low byte of an extended result code is the primary one.
    match number & 0xff {
        // SQLITE_BUSY, SQLITE_LOCKED
        5 | 6 => StoreError::Busy,
        // IOERR
        10 => StoreError::DiskError(cause()),
        // CORRUPT, NOTADB
        11 | 26 => StoreError::Damaged(cause()),
        // NOMEM, READONLY, INTERRUPT, CANTOPEN, PROTOCOL
        7..=9 | 14 | 15 => StoreError::Unavailable(cause()),
        _ => StoreError::Internal(cause()),
    }
}

fn of_postgres(code: &str, message: &str) -> StoreError {
    let class = code.get(..2).unwrap_or_default();
    match (class, code) {
        // Connection, rollback, insufficient resources, operator intervention, system error.
        // 25006 is a database that became a replica, 55P03 a lock that was not given in time.
        ("08" | "40" | "53" | "57" | "58", _) | (_, "25006" | "55P03") => {
            StoreError::Unavailable(Cause::new(format!("PostgreSQL: {message} ({code})")))
        }
        // The database, role or password of the URL.
        ("28" | "3D", _) => StoreError::Unavailable(Cause::new(format!("PostgreSQL: {message}"))),
        // Messages about data quote it.
        ("22" | "23", _) => StoreError::Internal(Cause::new(format!("PostgreSQL: {code}"))),
        _ => StoreError::Internal(Cause::new(format!("PostgreSQL: {message} ({code})"))),
    }
}

/// `table.column` of a violated uniqueness. PostgreSQL names the constraint, which our migrations
/// call `<table>_<column>_key`; SQLite lists the columns, of which the last tells most.
fn violated(error: &dyn DatabaseError) -> String {
    if let (Some(table), Some(constraint)) = (error.table(), error.constraint()) {
        let column = constraint
            .strip_prefix(table)
            .map_or(constraint, |rest| rest.trim_start_matches('_'));
        let column = column.strip_suffix("_key").unwrap_or(column);
        let column = if column == "pkey" { "id" } else { column };
        return format!("{table}.{column}");
    }
    let columns = error.message().rsplit(": ").next().unwrap_or_default();
    let last = columns.rsplit(", ").next().unwrap_or_default();
    last.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_pass_are_unavailable_and_data_is_not_quoted() {
        for code in ["08006", "53100", "57P01", "25006", "55P03", "57014"] {
            let error = of_postgres(code, "m");
            assert!(matches!(error, StoreError::Unavailable(_)), "{code}");
        }
        let error = of_postgres("22P02", "invalid input syntax: \"hunter2\"");
        assert!(!error.to_string().contains("hunter2"));
        for code in ["13", "778", "4874"] {
            assert!(
                matches!(of_sqlite(code, "full"), StoreError::Full(_)),
                "{code}"
            );
        }
        // A delete that failed, a commit that did not reach the disk.
        for code in ["2570", "1034"] {
            let error = of_sqlite(code, "disk I/O error");
            assert!(matches!(error, StoreError::DiskError(_)), "{code}");
        }
        // A damaged page, a damaged index, a file that is no database.
        for code in ["11", "779", "26"] {
            let error = of_sqlite(code, "malformed");
            assert!(matches!(error, StoreError::Damaged(_)), "{code}");
        }
        assert!(matches!(of_sqlite("14", "m"), StoreError::Unavailable(_)));
        assert_eq!(of_sqlite("5", "database is locked"), StoreError::Busy);
        assert!(matches!(
            of_sqlite("1", "no such table"),
            StoreError::Internal(_)
        ));
    }
}
