//! Reading rows: columns in their order, turned into model types, the seal checked.

mod bulk;
mod fields;
mod walk;

use std::fmt::Write as _;

use claviger_model::seal::Sealed;
use serde::Serialize;

pub(crate) use bulk::{Bulk, open_bulk};
pub(crate) use fields::Fields;
pub use walk::Walk;

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

/// Good rows, and the bad ones to tell of.
pub(crate) type Opened<T> = (Vec<T>, Vec<BadRow>);

/// A model type that is one sealed row.
pub(crate) trait Stored: Sealed + Sized {
    /// Takes its columns, the seal not included, from the next ones of `fields`.
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError>;
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
fn bad_row(error: StoreError) -> Result<BadRow, StoreError> {
    let why = error.to_string();
    match error {
        StoreError::BrokenSeal { table, id } | StoreError::Corrupt { table, id, .. } => {
            Ok(BadRow { table, id, why })
        }
        other => Err(other),
    }
}

/// The good rows of an answer, and the bad ones to tell of.
pub(crate) fn open_each<T: Stored>(conn: &Conn, rows: &[Row]) -> Result<Opened<T>, StoreError> {
    let mut opened = Vec::with_capacity(rows.len());
    let mut skipped = Vec::new();
    for row in rows {
        match open(conn, row) {
            Ok(value) => opened.push(value),
            Err(error) => skipped.push(bad_row(error)?),
        }
    }
    Ok((opened, skipped))
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

/// Bytes in hexadecimal, as JSON can carry them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// The pattern of `LIKE … ESCAPE '!'` for what contains a text.
pub(crate) fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// Whether a filter's texts can match anything: PostgreSQL takes no text with a NUL character, and
/// no row has one.
pub(crate) fn can_match<const N: usize>(texts: [&Option<String>; N]) -> bool {
    !texts.into_iter().flatten().any(|text| text.contains('\0'))
}
