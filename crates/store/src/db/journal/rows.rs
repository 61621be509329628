//! The rows of a thing, read and written whatever columns its tables have.

use std::collections::BTreeMap;

use claviger_model::changes::ChangeKind;
use serde_json::{Map, Value, json};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Column as _, Row as _, Sqlite, TypeInfo as _, ValueRef as _};

use super::{Changes, Thing};
use crate::db::conn::{Conn, Tx};
use crate::db::query::Row;
use crate::error::{Cause, StoreError};
use crate::rows::{hex, json_text};

/// What became of a thing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Replayed {
    /// Whether the database has any row of it.
    pub found: bool,
    /// Rows that were changed.
    pub changed: u64,
    /// Rows that were removed.
    pub removed: u64,
}

/// A table of a thing: its name, the column with the thing's id, and how its rows are read.
struct Table {
    name: &'static str,
    column: &'static str,
    by_ids: &'static str,
    key: &'static [&'static str],
}

macro_rules! table {
    ($name:literal, $column:literal, $key:expr) => {
        Table {
            name: $name,
            column: $column,
            by_ids: concat!(
                "SELECT * FROM ",
                $name,
                " WHERE ",
                $column,
                " IN (SELECT value FROM json_each($1))"
            ),
            key: $key,
        }
    };
}

/// The tables of a kind. What is short-lived ends as a whole when a database is opened again:
/// sessions, tokens and their families are not among them.
fn tables(kind: ChangeKind) -> &'static [Table] {
    match kind {
        ChangeKind::Account => &[table!("accounts", "id", &["id"])],
        ChangeKind::Api => &[table!("apis", "id", &["id"])],
        ChangeKind::Key => &[
            table!("keys", "id", &["id"]),
            table!("key_secrets", "key_id", &["id"]),
        ],
        ChangeKind::User => &[
            table!("users", "id", &["id"]),
            table!("members", "user_id", &["account_id", "user_id"]),
            table!("operators", "user_id", &["user_id"]),
        ],
        ChangeKind::Role => &[table!("roles", "id", &["id"])],
        ChangeKind::Client => &[
            table!("clients", "id", &["id"]),
            table!("client_secrets", "client_id", &["id"]),
            table!("client_metadata", "client_id", &["client_id"]),
            table!("rotations", "client_id", &["client_id"]),
        ],
        ChangeKind::LegacyKey => &[table!("legacy_keys", "id", &["id"])],
        ChangeKind::SigningKey => &[table!("signing_keys", "id", &["id"])],
        ChangeKind::Grant => &[table!("grants", "id", &["id"])],
        ChangeKind::ImportedHash => &[table!("imported_hashes", "secret_id", &["secret_id"])],
        ChangeKind::Session
        | ChangeKind::RevokedToken
        | ChangeKind::TokenFloor
        | ChangeKind::TokenFamily => &[],
    }
}

/// The things that were changed, with their rows.
pub(super) async fn read(conn: &mut Conn, changes: Changes) -> Result<Vec<Thing>, StoreError> {
    let mut by_kind: BTreeMap<ChangeKind, Vec<String>> = BTreeMap::new();
    for change in changes {
        by_kind.entry(change.kind).or_default().push(change.id);
    }
    let mut things = Vec::new();
    for (kind, ids) in by_kind {
        let asked = json_text(&ids)?;
        let mut rows: BTreeMap<String, BTreeMap<String, Vec<Map<String, Value>>>> = BTreeMap::new();
        for table in tables(kind) {
            let query = conn.query(table.by_ids).bind(asked.as_str());
            for row in &query.fetch_all().await? {
                let row = columns(row)?;
                let id = row.get(table.column).and_then(Value::as_str);
                let of_thing = rows.entry(id.unwrap_or_default().to_owned()).or_default();
                of_thing.entry(table.name.to_owned()).or_default().push(row);
            }
        }
        if tables(kind).is_empty() {
            continue;
        }
        things.extend(ids.into_iter().map(|id| Thing {
            kind: kind.as_str().to_owned(),
            tables: rows.remove(&id).unwrap_or_default(),
            id,
        }));
    }
    Ok(things)
}

/// Makes the rows of a thing as they are in `thing`.
pub(super) async fn replay(tx: &mut Tx, thing: &Thing) -> Result<Replayed, StoreError> {
    let mut done = Replayed::default();
    let Some(kind) = thing.kind() else {
        return Ok(done);
    };
    for table in tables(kind) {
        let asked = json_text(&[&thing.id])?;
        let present = tx.query(table.by_ids).bind(asked).fetch_all().await?;
        done.found |= !present.is_empty();
        let wanted = thing.tables.get(table.name).map_or(&[][..], Vec::as_slice);
        for row in &present {
            let row = columns(row)?;
            let same_key = |other: &&Map<String, Value>| {
                table.key.iter().all(|key| other.get(*key) == row.get(*key))
            };
            match wanted.iter().find(same_key) {
                Some(wanted) => done.changed += update(tx, table, &row, wanted).await?,
                None => done.removed += remove(tx, table, &row).await?,
            }
        }
    }
    Ok(done)
}

async fn update(
    tx: &mut Tx,
    table: &Table,
    present: &Map<String, Value>,
    wanted: &Map<String, Value>,
) -> Result<u64, StoreError> {
    // Columns by the names that the schema has: what it does not know is left out, and what the
    // journal did not know yet stays as it is.
    let changed: Vec<&str> = present
        .iter()
        .filter(|(name, value)| wanted.get(*name).is_some_and(|wanted| wanted != *value))
        .map(|(name, _)| name.as_str())
        .collect();
    if changed.is_empty() {
        return Ok(0);
    }
    let set: Vec<String> = changed.iter().map(|name| format!("{name} = ?")).collect();
    let sql = format!(
        "UPDATE {} SET {} WHERE {}",
        table.name,
        set.join(", "),
        is_row(table)
    );
    let values = changed.iter().map(|name| &wanted[*name]);
    let keys = table.key.iter().map(|key| &present[*key]);
    run(tx, sql, values.chain(keys)).await
}

async fn remove(
    tx: &mut Tx,
    table: &Table,
    present: &Map<String, Value>,
) -> Result<u64, StoreError> {
    let sql = format!("DELETE FROM {} WHERE {}", table.name, is_row(table));
    run(tx, sql, table.key.iter().map(|key| &present[*key])).await
}

fn is_row(table: &Table) -> String {
    let keys: Vec<String> = table.key.iter().map(|key| format!("{key} = ?")).collect();
    keys.join(" AND ")
}

/// Runs a statement that is made of names of the schema. An error is the caller's to judge.
async fn run<'v>(
    tx: &mut Tx,
    sql: String,
    values: impl Iterator<Item = &'v Value>,
) -> Result<u64, StoreError> {
    tx.faults.wrote = true;
    let conn = tx.sqlite()?;
    let mut query: sqlx::query::Query<'_, Sqlite, SqliteArguments> =
        sqlx::query(AssertSqlSafe(sql)).persistent(false);
    for value in values {
        query = match value {
            Value::String(text) => query.bind(text.clone()),
            Value::Number(number) => query.bind(number.as_i64()),
            Value::Object(blob) => query.bind(blob.get(BLOB).and_then(Value::as_str).map(unhex)),
            _ => query.bind(None::<String>),
        };
    }
    Ok(query.execute(conn).await?.rows_affected())
}

/// The member of an object that stands for bytes.
const BLOB: &str = "hex";

fn columns(row: &Row) -> Result<Map<String, Value>, StoreError> {
    let Row::Sqlite(row) = row else {
        return Err(StoreError::Internal(Cause::new("no row of SQLite")));
    };
    let mut columns = Map::new();
    for (index, column) in row.columns().iter().enumerate() {
        columns.insert(column.name().to_owned(), cell(row, index)?);
    }
    Ok(columns)
}

fn cell(row: &SqliteRow, index: usize) -> Result<Value, StoreError> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().name().to_owned();
    drop(raw);
    Ok(match kind.as_str() {
        "TEXT" => Value::from(row.try_get::<String, _>(index)?),
        "BLOB" => json!({BLOB: hex(&row.try_get::<Vec<u8>, _>(index)?)}),
        _ => Value::from(row.try_get::<i64, _>(index)?),
    })
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0);
    let pairs = text.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).unwrap_or(0))
        .collect()
}
