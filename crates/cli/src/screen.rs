//! What a person or a program sees: data on standard output, everything else on standard error.

use std::io::{self, ErrorKind, Write};

use claviger_model::UnixMillis;
use serde_json::Value;

use crate::exit::{Exit, Failure};

/// The two streams of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// Whether data is JSON.
    pub(crate) is_json: bool,
}

/// How a member of an object is shown to people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shown {
    /// As it is; a list with spaces between its elements.
    Plain,
    /// Unix milliseconds as a date and time.
    Time,
}

/// A member of an object that people see, and its title.
pub(crate) type Column = (&'static str, &'static str, Shown);

impl Screen {
    /// A line of data.
    ///
    /// # Errors
    /// Standard output takes nothing any more.
    #[expect(clippy::unused_self, reason = "the screen is where lines go")]
    pub(crate) fn data(self, line: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        let written = writeln!(out, "{line}").and_then(|()| out.flush());
        match written {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::new(
                Exit::Failed,
                format!("standard output: {error}"),
            )),
            // Whoever reads has seen enough.
            _ => Ok(()),
        }
    }

    /// A line beside the data.
    #[expect(clippy::unused_self, reason = "the screen is where lines go")]
    pub(crate) fn note(self, line: &str) {
        // There is nobody left to tell that standard error is gone.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// That something is done, of which there is nothing to show: for people in this line.
    ///
    /// # Errors
    /// Standard output takes nothing any more.
    pub(crate) fn done(self, line: &str) -> Result<(), Failure> {
        self.data(if self.is_json { "{\"ok\":true}" } else { line })
    }

    /// One object: as JSON, or a line for each member.
    ///
    /// # Errors
    /// Standard output takes nothing any more.
    pub(crate) fn object(self, columns: &[Column], object: &Value) -> Result<(), Failure> {
        if self.is_json {
            return self.data(&object.to_string());
        }
        let width = columns
            .iter()
            .map(|(_, title, _)| title.len())
            .max()
            .unwrap_or(0);
        for (member, title, shown) in columns {
            let text = cell(object.get(member), *shown);
            self.data(format!("{title:width$}  {text}").trim_end())?;
        }
        Ok(())
    }

    /// A list of objects: as a JSON array, or as a table. `empty` is what people see when there is
    /// none.
    ///
    /// # Errors
    /// Standard output takes nothing any more.
    pub(crate) fn list(
        self,
        columns: &[Column],
        rows: &[Value],
        empty: &str,
    ) -> Result<(), Failure> {
        if self.is_json {
            return self.data(&Value::from(rows).to_string());
        }
        if rows.is_empty() {
            self.note(empty);
            return Ok(());
        }
        table(columns, rows)
            .iter()
            .try_for_each(|line| self.data(line))
    }
}

/// The lines of a table, each column as wide as its widest cell.
fn table(columns: &[Column], rows: &[Value]) -> Vec<String> {
    let head = columns
        .iter()
        .map(|(_, title, _)| title.to_uppercase())
        .collect::<Vec<_>>();
    let body = rows.iter().map(|row| {
        columns
            .iter()
            .map(|(member, _, shown)| cell(row.get(member), *shown))
            .collect::<Vec<_>>()
    });
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(body).collect();
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let aligned = |line: &Vec<String>| {
        let cells = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(aligned).collect()
}

/// A value as people read it; nothing is a dash.
pub(crate) fn cell(value: Option<&Value>, shown: Shown) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::Bool(flag)) => if *flag { "yes" } else { "no" }.to_owned(),
        Some(Value::String(text)) if text.is_empty() => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.is_empty() => "-".to_owned(),
        Some(Value::Array(items)) => {
            let items = items.iter().map(|item| cell(Some(item), shown));
            items.collect::<Vec<_>>().join(" ")
        }
        Some(Value::Number(number)) if shown == Shown::Time => number
            .as_i64()
            .map_or_else(|| number.to_string(), |at| time(UnixMillis(at))),
        Some(value) => value.to_string(),
    }
}

/// A point in time in UTC, to the second.
pub(crate) fn time(at: UnixMillis) -> String {
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Err(_) => at.0.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_table_is_aligned_by_characters() {
        let columns: [Column; 3] = [
            ("name", "name", Shown::Plain),
            ("created_at", "created", Shown::Time),
            ("scopes", "scopes", Shown::Plain),
        ];
        let rows = [
            json!({"name": "é", "created_at": 1_741_564_800_000_i64, "scopes": ["a", "b"]}),
            json!({"name": "longer", "created_at": null, "scopes": []}),
        ];
        let expected = [
            "NAME    CREATED               SCOPES",
            "é       2025-03-10 00:00:00Z  a b",
            "longer  -                     -",
        ];
        assert_eq!(table(&columns, &rows), expected);
    }
}
