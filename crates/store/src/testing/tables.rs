//! What is in a database, as text: to see that nothing of a change was left.

use std::collections::BTreeMap;

use crate::{Db, StoreError};

/// The tables of a database.
pub struct Tables {
    sql: &'static str,
}

impl Tables {
    /// All but these.
    pub async fn but(db: &Db, left_out: &[&str]) -> Result<Self, StoreError> {
        let mut reader = db.read().await?;
        let list = reader.query2(
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid",
            "SELECT table_name::text, column_name::text FROM information_schema.columns
             WHERE table_schema = 'public' ORDER BY table_name, ordinal_position",
        );
        let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in list.fetch_all().await? {
            columns.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
        columns.retain(|table, _| !left_out.contains(&&**table));
        let selects = columns.iter().map(|(table, columns)| {
            if db.is_sqlite() {
                let quoted = columns.iter().map(|column| format!("quote(\"{column}\")"));
                let line = quoted.collect::<Vec<_>>().join(" || '|' || ");
                format!(
                    "SELECT '{table}', COALESCE((SELECT group_concat(line, char(10))
                     FROM (SELECT {line} AS line FROM {table} ORDER BY 1)), '')"
                )
            } else {
                format!(
                    "SELECT '{table}', COALESCE(string_agg(t::text, E'\\n' ORDER BY t::text), '')
                     FROM {table} t"
                )
            }
        });
        let sql = selects.collect::<Vec<_>>().join(" UNION ALL ");
        // One text for each database of a test.
        Ok(Self { sql: sql.leak() })
    }

    /// The rows of each table, a line each.
    pub async fn rows(&self, db: &Db) -> Result<BTreeMap<String, String>, StoreError> {
        let mut reader = db.read().await?;
        let mut rows = BTreeMap::new();
        for row in reader.query(self.sql).fetch_all().await? {
            rows.insert(row.get(0)?, row.get(1)?);
        }
        Ok(rows)
    }
}
