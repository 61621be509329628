//! The canonical bytes of a row, over which its seal is made.
//!
//! A sealed row cannot be minted, widened or moved by somebody who can write the database but
//! lacks the master key. An older row of the same id can be put back: that is what the audit
//! chain finds.

/// A row that carries a seal over all its columns.
pub trait Sealed {
    /// The table's name, part of the seal so that a row cannot move to another table.
    const TABLE: &'static str;

    /// Writes every column, its version included, in a fixed order.
    fn columns(&self, columns: &mut Columns);
}

/// Collects columns without ambiguity: each has a type byte, and a length where it varies.
#[derive(Default)]
pub struct Columns {
    bytes: Vec<u8>,
}

impl Columns {
    /// Starts the canonical form of a row of `table`.
    pub fn of(table: &str) -> Self {
        let mut columns = Self {
            bytes: Vec::with_capacity(256),
        };
        columns.text(table);
        columns
    }

    /// A text column.
    pub fn text(&mut self, value: &str) -> &mut Self {
        self.variable(b't', value.as_bytes())
    }

    /// Anything with a text form: identifiers, enumerations.
    pub fn shown(&mut self, value: impl std::fmt::Display) -> &mut Self {
        self.text(&value.to_string())
    }

    /// A bytes column.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.variable(b'b', value)
    }

    /// An integer column.
    pub fn int(&mut self, value: i64) -> &mut Self {
        self.bytes.push(b'i');
        self.bytes.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// A time column.
    pub fn time(&mut self, value: crate::UnixMillis) -> &mut Self {
        self.int(value.0)
    }

    /// A boolean column.
    pub fn flag(&mut self, value: bool) -> &mut Self {
        self.int(i64::from(value))
    }

    /// A column that may be null; `write` writes it when it is not.
    pub fn optional<T>(
        &mut self,
        value: Option<T>,
        write: impl FnOnce(&mut Self, T) -> &mut Self,
    ) -> &mut Self {
        if let Some(value) = value {
            return write(self, value);
        }
        self.bytes.push(b'n');
        self
    }

    /// A column that holds a list.
    pub fn list<T: std::fmt::Display>(&mut self, values: &[T]) -> &mut Self {
        self.int(i64::try_from(values.len()).unwrap_or(i64::MAX));
        for value in values {
            self.shown(value);
        }
        self
    }

    /// The canonical bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn variable(&mut self, kind: u8, value: &[u8]) -> &mut Self {
        self.bytes.push(kind);
        self.bytes
            .extend_from_slice(&(value.len() as u64).to_be_bytes());
        self.bytes.extend_from_slice(value);
        self
    }
}
