//! Tables for spreadsheets (RFC 4180).

use claviger_model::UnixMillis;

use crate::pages::dates;

/// Adds a line of these cells.
pub fn line<S: AsRef<str>>(csv: &mut String, cells: impl IntoIterator<Item = S>) {
    for (position, text) in cells.into_iter().enumerate() {
        if position > 0 {
            csv.push(',');
        }
        csv.push_str(&cell(text.as_ref()));
    }
    csv.push_str("\r\n");
}

/// A moment, to the second.
pub fn moment(at: UnixMillis) -> String {
    format!("{}T{}Z", dates::machine_day(at), dates::clock(at))
}

/// A cell. A spreadsheet takes what begins like a formula for one, so that is made a text.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        let mut csv = String::new();
        line(&mut csv, ["a", "b,\"c\"", "=1+1", "two\nlines", ""]);
        assert_eq!(csv, "a,\"b,\"\"c\"\"\",'=1+1,\"two\nlines\",\r\n");
    }
}
