//! A page of rows as one JSON text: an array of arrays of columns, made by the database.
//!
//! A driver hands rows over one by one and value by value, which takes ten times as long as what
//! is done with them. Loading a million keys at the start is worth another way.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use super::{Fields, Opened, Stored, bad_row};
use crate::db::{Conn, Row};
use crate::error::StoreError;

/// A column of a row in JSON. Bytes are hexadecimal text.
pub(super) enum Cell<'r> {
    Null,
    Int(i64),
    Text(Cow<'r, str>),
}

/// The text of a page.
pub(crate) struct Bulk(String);

impl Bulk {
    /// The one column of the one row that such a statement answers with.
    pub(crate) fn of(row: &Row) -> Result<Self, StoreError> {
        row.get(0).map(Self)
    }

    /// Hands each row to `take`; an error when a column is not even text.
    fn each_row(&self, take: impl FnMut(&[Cell<'_>])) -> serde_json::Result<()> {
        let mut deserializer = serde_json::Deserializer::from_str(&self.0);
        Rows { take }.deserialize(&mut deserializer)?;
        deserializer.end()
    }
}

/// The good rows of a page and the bad ones; `None` when the page as a whole cannot be read.
pub(crate) fn open_bulk<T: Stored>(
    conn: &Conn,
    page: &Bulk,
) -> Result<Option<Opened<T>>, StoreError> {
    let keyring = conn.keyring();
    let mut opened = Vec::new();
    let mut errors = Vec::new();
    let read = page.each_row(
        |cells| match Fields::of_cells(T::TABLE, cells).sealed(keyring) {
            Ok(value) => opened.push(value),
            Err(error) => errors.push(error),
        },
    );
    if read.is_err() {
        return Ok(None);
    }
    let skipped: Result<_, _> = errors.into_iter().map(bad_row).collect();
    Ok(Some((opened, skipped?)))
}

impl Cell<'_> {
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// What `read` finds, or nothing in a null.
    pub(super) fn or_null<'s, T>(
        &'s self,
        read: impl FnOnce(&'s Self) -> Option<T>,
    ) -> Option<Option<T>> {
        match self {
            Self::Null => Some(None),
            cell => read(cell).map(Some),
        }
    }
}

/// Reads an array of rows, one at a time in the same memory.
struct Rows<F> {
    take: F,
}

impl<'de, F: FnMut(&[Cell<'de>])> DeserializeSeed<'de> for Rows<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&[Cell<'de>])> Visitor<'de> for Rows<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut rows: A) -> Result<(), A::Error> {
        let mut cells = Vec::new();
        while rows.next_element_seed(Columns(&mut cells))?.is_some() {
            (self.take)(&cells);
            cells.clear();
        }
        Ok(())
    }
}

/// Reads the columns of one row.
struct Columns<'c, 'r>(&'c mut Vec<Cell<'r>>);

impl<'de> DeserializeSeed<'de> for Columns<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Columns<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of columns")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut columns: A) -> Result<(), A::Error> {
        while let Some(cell) = columns.next_element()? {
            self.0.push(cell);
        }
        Ok(())
    }
}

struct CellVisitor;

impl<'de> Deserialize<'de> for Cell<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a null, a number or a text")
    }

    fn visit_unit<E: Error>(self) -> Result<Cell<'de>, E> {
        Ok(Cell::Null)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Cell<'de>, E> {
        Ok(Cell::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Cell<'de>, E> {
        i64::try_from(value).map(Cell::Int).map_err(E::custom)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Owned(text.to_owned())))
    }
}

/// The most bytes of a column in a bulk page: a seal.
const BYTES_MAX: usize = 33;

/// Bytes that hexadecimal text stood for.
pub(super) struct Unhexed {
    bytes: [u8; BYTES_MAX],
    length: usize,
}

impl Unhexed {
    /// The bytes that `text` stands for; `None` when it stands for none, or for too many.
    pub(super) fn of(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if !rest.is_empty() || pairs.len() > BYTES_MAX {
            return None;
        }
        let mut bytes = [0; BYTES_MAX];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? * 16 + digit(*low)?;
        }
        let length = pairs.len();
        Some(Self { bytes, length })
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_from_both_cases_and_nothing_else() {
        let unhex = |text| Unhexed::of(text).map(|unhexed| unhexed.as_slice().to_vec());
        assert_eq!(unhex("00ffA9"), Some(vec![0, 255, 0xa9]));
        assert_eq!(unhex(""), Some(vec![]));
        assert_eq!((unhex("0"), unhex("0g"), unhex("é")), (None, None, None));
        assert_eq!(unhex(&"00".repeat(34)), None);
    }

    #[test]
    fn cells_are_nulls_numbers_and_texts() {
        let page = Bulk("[[null, -5, \"a\\\"b\"], [1, 2], []]".into());
        let mut rows = Vec::new();
        let take = |cells: &[Cell<'_>]| {
            let texts = cells.iter().map(|cell| cell.as_text().map(str::to_owned));
            let numbers: Vec<_> = cells.iter().filter_map(Cell::as_int).collect();
            rows.push((texts.collect::<Vec<_>>(), numbers));
        };
        page.each_row(take).expect("rows");
        assert_eq!(rows[0], (vec![None, None, Some("a\"b".into())], vec![-5]));
        assert_eq!(rows[1], (vec![None, None], vec![1, 2]));
        assert_eq!(rows.len(), 3);
        for wrong in ["[[true]]", "[[[]]]", "{}", "[[]] x"] {
            assert!(Bulk(wrong.into()).each_row(|_| {}).is_err(), "{wrong}");
        }
    }
}
