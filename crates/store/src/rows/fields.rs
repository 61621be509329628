//! The columns of one row, turned into values.

use std::str::FromStr;

use claviger_model::UnixMillis;
use claviger_model::credentials::StoredSecret;
use claviger_model::keyring::{Keyring, Mac};
use claviger_model::secret::Lookup;
use serde::de::DeserializeOwned;

use super::Stored;
use super::bulk::{Cell, Unhexed};
use crate::db::{Read, Row};
use crate::error::StoreError;

/// The columns of a row, read from left to right. The first is the row's id.
pub(crate) struct Fields<'r> {
    table: &'static str,
    source: Source<'r>,
    first: usize,
    next: usize,
}

/// Where columns come from.
#[derive(Clone, Copy)]
enum Source<'r> {
    /// A driver's row.
    Row(&'r Row),
    /// A row of a bulk page.
    Cells(&'r [Cell<'r>]),
}

impl<'r> Fields<'r> {
    pub(crate) fn of(table: &'static str, row: &'r Row) -> Self {
        Self::from(table, row, 0)
    }

    /// The columns from `first`, for a row that joins two tables.
    pub(crate) fn from(table: &'static str, row: &'r Row, first: usize) -> Self {
        Self {
            table,
            source: Source::Row(row),
            first,
            next: first,
        }
    }

    /// The columns of a row of a bulk page.
    pub(super) fn of_cells(table: &'static str, cells: &'r [Cell<'r>]) -> Self {
        Self {
            table,
            source: Source::Cells(cells),
            first: 0,
            next: 0,
        }
    }

    /// The next column: as the driver reads it, or from its cell.
    fn column<T: Read<'r>>(
        &mut self,
        from_cell: impl FnOnce(&'r Cell<'r>) -> Option<T>,
    ) -> Result<T, StoreError> {
        let index = self.next;
        self.next += 1;
        let value = match self.source {
            Source::Row(row) => row.get(index).ok(),
            Source::Cells(cells) => cells.get(index).and_then(from_cell),
        };
        value.ok_or_else(|| self.corrupt())
    }

    fn borrowed(&mut self) -> Result<&'r str, StoreError> {
        self.column(Cell::as_text)
    }

    fn optional_borrowed(&mut self) -> Result<Option<&'r str>, StoreError> {
        self.column(|cell| cell.or_null(Cell::as_text))
    }

    /// Bytes; hexadecimal text in a cell.
    pub(crate) fn bytes<T>(
        &mut self,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<T, StoreError> {
        let value = match self.source {
            Source::Row(_) => read(self.column(|_| None)?),
            Source::Cells(_) => {
                let unhexed = Unhexed::of(self.borrowed()?);
                unhexed.and_then(|bytes| read(bytes.as_slice()))
            }
        };
        value.ok_or_else(|| self.corrupt())
    }

    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        self.borrowed().map(str::to_owned)
    }

    pub(crate) fn optional_text(&mut self) -> Result<Option<String>, StoreError> {
        Ok(self.optional_borrowed()?.map(str::to_owned))
    }

    pub(crate) fn int(&mut self) -> Result<i64, StoreError> {
        self.column(Cell::as_int)
    }

    pub(crate) fn optional_int(&mut self) -> Result<Option<i64>, StoreError> {
        self.column(|cell| cell.or_null(Cell::as_int))
    }

    pub(crate) fn flag(&mut self) -> Result<bool, StoreError> {
        self.column(|_| None)
    }

    pub(crate) fn time(&mut self) -> Result<UnixMillis, StoreError> {
        self.int().map(UnixMillis)
    }

    pub(crate) fn optional_time(&mut self) -> Result<Option<UnixMillis>, StoreError> {
        Ok(self.optional_int()?.map(UnixMillis))
    }

    pub(crate) fn optional_bytes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        self.column(|_| None)
    }

    /// 32 bytes.
    pub(crate) fn hash(&mut self) -> Result<Mac, StoreError> {
        self.bytes(|bytes| bytes.try_into().ok())
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
        let text = self.borrowed()?;
        text.parse().map_err(|_| self.corrupt())
    }

    /// The same, or null.
    pub(crate) fn optional_parsed<T: FromStr>(&mut self) -> Result<Option<T>, StoreError> {
        let text = self.optional_borrowed()?;
        let value = text.map(str::parse).transpose();
        value.map_err(|_| self.corrupt())
    }

    /// A word that `read` knows.
    pub(crate) fn word<T>(
        &mut self,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let text = self.borrowed()?;
        read(text).ok_or_else(|| self.corrupt())
    }

    /// A JSON text.
    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        let text = self.borrowed()?;
        serde_json::from_str(text).map_err(|_| self.corrupt())
    }

    /// A JSON text or null.
    pub(crate) fn optional_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        let text = self.optional_borrowed()?;
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
        if self.bytes(|seal| Some(keyring.is_sealed(&value, seal)))? {
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
            what: self.last_name(),
        }
    }

    fn last_name(&self) -> String {
        let last = self.next.saturating_sub(1);
        match self.source {
            Source::Row(row) => row.column_name(last),
            Source::Cells(_) => format!("column {}", last + 1),
        }
    }

    fn id(&self) -> String {
        match self.source {
            Source::Row(row) => row.get(self.first).unwrap_or_default(),
            Source::Cells(cells) => {
                let first = cells.get(self.first).and_then(Cell::as_text);
                first.unwrap_or_default().to_owned()
            }
        }
    }
}
