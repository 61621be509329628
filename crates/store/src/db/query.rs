//! One statement and its rows, whatever the driver.

use std::sync::Arc;

use claviger_model::UnixMillis;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    ColumnIndex, Decode, Encode, PgConnection, Postgres, Row as _, Sqlite, SqliteConnection, Type,
};

use super::condition::Signs;
use super::plan::Plan;
use crate::error::{Cause, Diagnosis, StoreError};

/// A value that both drivers can bind.
pub trait Bind<'v>:
    Encode<'v, Sqlite> + Type<Sqlite> + Encode<'v, Postgres> + Type<Postgres>
{
}
impl<'v, T> Bind<'v> for T where
    T: Encode<'v, Sqlite> + Type<Sqlite> + Encode<'v, Postgres> + Type<Postgres>
{
}

/// A value that both drivers can read.
pub trait Read<'r>:
    Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{
}
impl<'r, T> Read<'r> for T where
    T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{
}

/// What went on on a connection since a closure began.
#[derive(Default)]
pub(crate) struct Faults {
    /// The first statement's error: PostgreSQL gives up the transaction at it.
    pub(crate) first: Option<StoreError>,
    /// Whether an error was one of those after which the same transaction may succeed.
    pub(crate) retryable: bool,
    /// Whether an error was that the disk is full.
    pub(crate) full: bool,
    /// Whether a statement may have written something.
    pub(crate) wrote: bool,
    /// What a test has fail; of the connection's user, and no fault yet.
    pub(crate) plan: Plan,
    /// Where errors of the disk are noted for the operator.
    pub(super) signs: Option<Arc<Signs>>,
}

impl Faults {
    /// Takes what went on; nothing has, afterwards.
    pub(crate) fn take(&mut self) -> Self {
        let (plan, signs) = (self.plan.clone(), self.signs.clone());
        std::mem::replace(
            self,
            Self {
                plan,
                signs,
                ..Self::default()
            },
        )
    }

    /// Lets the next statement pass, unless a test has it fail.
    pub(super) fn admit(&mut self) -> Result<(), StoreError> {
        self.plan.admit().inspect_err(|error| {
            self.first.get_or_insert_with(|| error.clone());
        })
    }
}

enum Driver<'q> {
    Sqlite(
        &'q mut SqliteConnection,
        sqlx::query::Query<'q, Sqlite, SqliteArguments>,
    ),
    Postgres(
        &'q mut PgConnection,
        sqlx::query::Query<'q, Postgres, PgArguments>,
    ),
}

/// A statement with its parameters, ready to run on its connection.
#[must_use = "a query does nothing until it is executed or fetched"]
pub struct Query<'q> {
    driver: Driver<'q>,
    faults: &'q mut Faults,
}

/// One row of an answer.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

impl<'q> Query<'q> {
    pub(super) fn sqlite(
        conn: &'q mut SqliteConnection,
        sql: &'static str,
        faults: &'q mut Faults,
    ) -> Self {
        faults.wrote |= !sql.starts_with("SELECT");
        let driver = Driver::Sqlite(conn, sqlx::query(sql));
        Self { driver, faults }
    }

    pub(super) fn postgres(
        conn: &'q mut PgConnection,
        sql: &'static str,
        faults: &'q mut Faults,
    ) -> Self {
        let driver = Driver::Postgres(conn, sqlx::query(sql));
        Self { driver, faults }
    }

    /// Binds the next parameter.
    pub fn bind<'v, T: Bind<'v>>(self, value: T) -> Self {
        let driver = match self.driver {
            Driver::Sqlite(conn, query) => Driver::Sqlite(conn, query.bind(value)),
            Driver::Postgres(conn, query) => Driver::Postgres(conn, query.bind(value)),
        };
        Self { driver, ..self }
    }

    /// Binds the text form of an identifier or an enumeration.
    pub fn shown(self, value: impl std::fmt::Display) -> Self {
        self.bind(value.to_string())
    }

    /// Binds the text form, or null.
    pub fn shown_option<T: std::fmt::Display>(self, value: Option<T>) -> Self {
        self.bind(value.map(|value| value.to_string()))
    }

    /// Binds a time.
    pub fn time(self, value: UnixMillis) -> Self {
        self.bind(value.0)
    }

    /// Binds a time, or null.
    pub fn time_option(self, value: Option<UnixMillis>) -> Self {
        self.bind(value.map(|value| value.0))
    }

    /// Runs it; the number of rows that it touched.
    pub async fn execute(self) -> Result<u64, StoreError> {
        self.faults.admit()?;
        let result = match self.driver {
            Driver::Sqlite(conn, query) => query.execute(conn).await.map(|r| r.rows_affected()),
            Driver::Postgres(conn, query) => query.execute(conn).await.map(|r| r.rows_affected()),
        };
        noted(result, self.faults)
    }

    /// Runs it; its first row.
    pub async fn fetch_optional(self) -> Result<Option<Row>, StoreError> {
        self.faults.admit()?;
        let result = match self.driver {
            Driver::Sqlite(conn, query) => {
                let row = query.fetch_optional(conn).await;
                row.map(|row| row.map(Row::Sqlite))
            }
            Driver::Postgres(conn, query) => {
                let row = query.fetch_optional(conn).await;
                row.map(|row| row.map(Row::Postgres))
            }
        };
        noted(result, self.faults)
    }

    /// Runs a statement that always answers with a row.
    pub async fn fetch_one(self) -> Result<Row, StoreError> {
        let row = self.fetch_optional().await?;
        row.ok_or_else(|| StoreError::Internal(Cause::new("no row where there has to be one")))
    }

    /// Runs it; all its rows.
    pub async fn fetch_all(self) -> Result<Vec<Row>, StoreError> {
        self.faults.admit()?;
        let result = match self.driver {
            Driver::Sqlite(conn, query) => {
                let rows = query.fetch_all(conn).await;
                rows.map(|rows| rows.into_iter().map(Row::Sqlite).collect())
            }
            Driver::Postgres(conn, query) => {
                let rows = query.fetch_all(conn).await;
                rows.map(|rows| rows.into_iter().map(Row::Postgres).collect())
            }
        };
        noted(result, self.faults)
    }
}

impl Row {
    /// The column at `index`, from zero.
    pub fn get<'r, T: Read<'r>>(&'r self, index: usize) -> Result<T, StoreError>
    where
        usize: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        let value = match self {
            Self::Sqlite(row) => row.try_get(index),
            Self::Postgres(row) => row.try_get(index),
        };
        value.map_err(StoreError::from)
    }

    /// The name of the column at `index`.
    pub(crate) fn column_name(&self, index: usize) -> String {
        use sqlx::Column as _;
        let name = match self {
            Self::Sqlite(row) => row.columns().get(index).map(|c| c.name().to_owned()),
            Self::Postgres(row) => row.columns().get(index).map(|c| c.name().to_owned()),
        };
        name.unwrap_or_else(|| format!("column {index}"))
    }
}

/// Notes an error among the faults of its connection.
pub(super) fn noted<T>(result: sqlx::Result<T>, faults: &mut Faults) -> Result<T, StoreError> {
    result.map_err(|error| {
        let diagnosis = Diagnosis::of(&error);
        faults.retryable |= diagnosis.is_retryable;
        faults.full |= matches!(diagnosis.error, StoreError::Full(_));
        if let Some(signs) = &faults.signs {
            signs.note(&diagnosis.error);
        }
        faults.first.get_or_insert_with(|| diagnosis.error.clone());
        diagnosis.error
    })
}
