//! The two schemas agree.

use std::collections::BTreeMap;

use claviger_store::Db;
use claviger_store::testing::TestDatabase;

/// Table and column, with the type in PostgreSQL's words and whether it may be null.
type Columns = BTreeMap<(String, String), (String, bool)>;

async fn columns(db: &Db) -> Columns {
    let mut reader = db.read().await.expect("a reader");
    let rows = reader
        .query2(
            "SELECT t.name, c.name, c.type, CASE WHEN c.\"notnull\" = 1 THEN 'NO' ELSE 'YES' END
             FROM sqlite_schema t, pragma_table_info(t.name) c
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT),
                 CAST(is_nullable AS TEXT)
             FROM information_schema.columns WHERE table_schema = 'public'",
        )
        .fetch_all()
        .await
        .expect("columns");
    let column = |row: &claviger_store::db::Row| {
        let text = |index| row.get::<String>(index).expect("a text");
        ((text(0), text(1)), (text(2), text(3) == "YES"))
    };
    rows.iter().map(column).collect()
}

/// What a column of SQLite is on PostgreSQL. Booleans are integers on SQLite.
fn postgres_type(column: &str, sqlite_type: &str) -> String {
    let is_flag = matches!(column, "is_default" | "allowed");
    match sqlite_type {
        "INTEGER" if is_flag => "boolean",
        "INTEGER" => "bigint",
        "TEXT" => "text",
        "BLOB" => "bytea",
        other => other,
    }
    .to_owned()
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let Some(postgres) = TestDatabase::postgres().await else {
        return;
    };
    let sqlite = TestDatabase::sqlite().await;
    let mut expected = columns(&sqlite.db).await;
    expected.extend(columns(&sqlite.usage).await);
    for ((_, column), (kind, _)) in &mut expected {
        *kind = postgres_type(column, kind);
    }
    assert!(expected.len() > 100);
    assert_eq!(columns(&postgres.db).await, expected);
    sqlite.close().await;
    postgres.close().await;
}
