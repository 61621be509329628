//! Reading rows: columns in their order, turned into model types, the seal checked.

use std::str::FromStr;

use claviger_model::UnixMillis;
use claviger_model::credentials::StoredSecret;
use claviger_model::keyring::{Keyring, Mac};
use claviger_model::seal::Sealed;
use claviger_model::secret::Lookup;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::db::{Conn, Query, Row};
use crate::error::{Cause, StoreError};

/// A row that the loader skips: what it is, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadRow {
    /// The table.
    pub table: &'static str,
    /// The row.
    pub id: String,
    /// What is wrong with it, as a sentence that carries no value of the row.
    pub why: String,
}

/// A model type that is one sealed row.
pub(crate) trait Stored: Sealed + Sized {
    /// Takes its columns, the seal not included, from the next ones of `fields`.
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError>;
}

/// The columns of a row, read from left to right. The first is the row's id.
pub(crate) struct Fields<'r> {
    table: &'static str,
    row: &'r Row,
    first: usize,
    next: usize,
}

impl<'r> Fields<'r> {
    pub(crate) fn of(table: &'static str, row: &'r Row) -> Self {
        Self::from(table, row, 0)
    }

    /// The columns from `first`, for a row that joins two tables.
    pub(crate) fn from(table: &'static str, row: &'r Row, first: usize) -> Self {
        Self {
            table,
            row,
            first,
            next: first,
        }
    }

    /// A column of any type that both drivers know.
    fn any<T: crate::db::Read<'r>>(&mut self) -> Result<T, StoreError> {
        let index = self.next;
        self.next += 1;
        let row: &'r Row = self.row;
        row.get(index).map_err(|_| self.corrupt())
    }

    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        self.any()
    }

    pub(crate) fn optional_text(&mut self) -> Result<Option<String>, StoreError> {
        self.any()
    }

    pub(crate) fn int(&mut self) -> Result<i64, StoreError> {
        self.any()
    }

    pub(crate) fn optional_int(&mut self) -> Result<Option<i64>, StoreError> {
        self.any()
    }

    pub(crate) fn flag(&mut self) -> Result<bool, StoreError> {
        self.any()
    }

    pub(crate) fn time(&mut self) -> Result<UnixMillis, StoreError> {
        self.any().map(UnixMillis)
    }

    pub(crate) fn optional_time(&mut self) -> Result<Option<UnixMillis>, StoreError> {
        Ok(self.any::<Option<i64>>()?.map(UnixMillis))
    }

    pub(crate) fn optional_bytes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        self.any()
    }

    /// 32 bytes.
    pub(crate) fn hash(&mut self) -> Result<Mac, StoreError> {
        let bytes: &[u8] = self.any()?;
        bytes32(bytes).ok_or_else(|| self.corrupt())
    }

    /// A small number: a version, a limit.
    pub(crate) fn small<T: TryFrom<i64>>(&mut self) -> Result<T, StoreError> {
        let value = self.int()?;
        T::try_from(value).map_err(|_| self.corrupt())
    }

    /// A small number or null.
    pub(crate) fn optional_small<T: TryFrom<i64>>(&mut self) -> Result<Option<T>, StoreError> {
        let value = self.optional_int()?;
        let value = value.map(T::try_from).transpose();
        value.map_err(|_| self.corrupt())
    }

    /// An identifier, or anything else with a text form.
    pub(crate) fn parsed<T: FromStr>(&mut self) -> Result<T, StoreError> {
        let text: &str = self.any()?;
        text.parse().map_err(|_| self.corrupt())
    }

    /// The same, or null.
    pub(crate) fn optional_parsed<T: FromStr>(&mut self) -> Result<Option<T>, StoreError> {
        let text: Option<&str> = self.any()?;
        let value = text.map(str::parse).transpose();
        value.map_err(|_| self.corrupt())
    }

    /// A word that `read` knows.
    pub(crate) fn word<T>(
        &mut self,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let text: &str = self.any()?;
        read(text).ok_or_else(|| self.corrupt())
    }

    /// A JSON text.
    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        let text: &str = self.any()?;
        serde_json::from_str(text).map_err(|_| self.corrupt())
    }

    /// A JSON text or null.
    pub(crate) fn optional_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        let text: Option<&str> = self.any()?;
        let value = text.map(serde_json::from_str).transpose();
        value.map_err(|_| self.corrupt())
    }

    /// The four columns of a stored secret: lookup, hash, pepper version, hint.
    pub(crate) fn stored_secret(&mut self) -> Result<StoredSecret, StoreError> {
        Ok(StoredSecret {
            lookup: self.word(Lookup::from_text)?,
            hash: self.hash()?,
            pepper_version: self.small()?,
            hint: self.text()?,
        })
    }

    /// The whole sealed row: its columns, then the seal, which has to be right.
    pub(crate) fn sealed<T: Stored>(&mut self, keyring: &Keyring) -> Result<T, StoreError> {
        let value = T::take(self)?;
        let seal: &[u8] = self.any()?;
        if keyring.is_sealed(&value, seal) {
            return Ok(value);
        }
        Err(StoreError::BrokenSeal {
            table: self.table,
            id: self.id(),
        })
    }

    /// Where the next column stands, to go on with another table's.
    pub(crate) fn position(&self) -> usize {
        self.next
    }

    /// The error about the column that was read last.
    pub(crate) fn corrupt(&self) -> StoreError {
        StoreError::Corrupt {
            table: self.table,
            id: self.id(),
            what: self.row.column_name(self.next.saturating_sub(1)),
        }
    }

    fn id(&self) -> String {
        self.row.get(self.first).unwrap_or_default()
    }
}

/// The sealed row that `row` is.
pub(crate) fn open<T: Stored>(conn: &Conn, row: &Row) -> Result<T, StoreError> {
    Fields::of(T::TABLE, row).sealed(conn.keyring())
}

/// The one sealed row of an answer; a bad one is an error.
pub(crate) fn open_one<T: Stored>(conn: &Conn, row: Option<Row>) -> Result<Option<T>, StoreError> {
    row.map(|row| open(conn, &row)).transpose()
}

/// The good rows of an answer. A bad one is alarmed and left out, so that it takes nothing else
/// down with it.
pub(crate) fn open_good<T: Stored>(conn: &Conn, rows: &[Row]) -> Vec<T> {
    let opened = rows.iter().map(|row| open(conn, row));
    opened.filter_map(good).collect()
}

/// The value, or nothing after the alarm about a bad row.
pub(crate) fn good<T>(opened: Result<T, StoreError>) -> Option<T> {
    opened
        .inspect_err(|error| tracing::error!(%error, "row left out"))
        .ok()
}

/// Why a row is bad; errors that are about no row are passed on.
pub(crate) fn bad_row(error: StoreError) -> Result<BadRow, StoreError> {
    let why = error.to_string();
    match error {
        StoreError::BrokenSeal { table, id } | StoreError::Corrupt { table, id, .. } => {
            Ok(BadRow { table, id, why })
        }
        other => Err(other),
    }
}

/// Reads a page of sealed rows in the order of their cursor: `limit` of them, or fewer when there
/// are no more. Bad rows are left out and made up for, so that a short page is always the last.
pub(crate) async fn page<T: Stored, C>(
    conn: &mut Conn,
    sql: &'static str,
    mut after: C,
    limit: u32,
    bind: impl for<'q> Fn(Query<'q>, &C) -> Query<'q>,
    cursor: impl Fn(&Row) -> Result<C, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    loop {
        let wanted = count(limit) - found.len();
        let query = bind(conn.query(sql), &after);
        let rows = query
            .bind(i64::try_from(wanted).unwrap_or(i64::MAX))
            .fetch_all()
            .await?;
        found.extend(open_good::<T>(conn, &rows));
        match rows.last() {
            Some(last) if rows.len() == wanted && found.len() < count(limit) => {
                after = cursor(last)?;
            }
            _ => return Ok(found),
        }
    }
}

/// The same for tables that are read in the order of their id, by a statement with the parameters
/// id and limit.
pub(crate) async fn page_by_id<T: Stored>(
    conn: &mut Conn,
    sql: &'static str,
    after: Option<impl std::fmt::Display>,
    limit: u32,
) -> Result<Vec<T>, StoreError> {
    let after = after.map_or_else(String::new, |id| id.to_string());
    page(
        conn,
        sql,
        after,
        limit,
        |query, after: &String| query.bind(after.as_str()),
        by_id,
    )
    .await
}

/// The cursor of tables that are read in the order of their id.
pub(crate) fn by_id(row: &Row) -> Result<String, StoreError> {
    row.get(0)
}

/// Fails when an update found no row of the version that it was made from.
pub(crate) fn one_row(touched: u64, table: &'static str) -> Result<(), StoreError> {
    if touched == 1 {
        return Ok(());
    }
    Err(StoreError::Conflict {
        constraint: format!("{table}.row_version"),
    })
}

/// The JSON text of a value.
pub(crate) fn json_text<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|_| StoreError::Internal(Cause::new("a value has no JSON form")))
}

/// Exactly 32 bytes.
pub(crate) fn bytes32(bytes: &[u8]) -> Option<[u8; 32]> {
    bytes.try_into().ok()
}

fn count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Whether a filter's texts can match anything: PostgreSQL takes no text with a NUL character, and
/// no row has one.
pub(crate) fn can_match<const N: usize>(texts: [&Option<String>; N]) -> bool {
    !texts.into_iter().flatten().any(|text| text.contains('\0'))
}
