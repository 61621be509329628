//! How far an examination is, for whoever looks at a terminal.

use std::cell::Cell;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use claviger_service::sources::Sources;

use crate::bar::Bar;
use crate::exit::{Exit, Failure};

/// Entries between two looks at the clock.
const ENTRIES_A_LOOK: u64 = 256;

/// A bar that counts entries, and guesses from the bytes that were read how many there are.
pub(super) struct Progress {
    bar: Bar,
    sources: Sources,
    bytes: Rc<Cell<u64>>,
    bytes_total: Option<u64>,
}

/// A file that counts what is read of it.
pub(super) struct Counted {
    file: Box<dyn Read>,
    bytes: Rc<Cell<u64>>,
}

impl Progress {
    /// One that starts now.
    ///
    /// # Errors
    /// The system has no clock or no random bytes.
    pub(super) fn start() -> Result<Self, Failure> {
        let sources = Sources::system();
        let sources = sources.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        Ok(Self {
            bar: Bar::start(sources.both().boot_nanos),
            sources,
            bytes: Rc::default(),
            bytes_total: None,
        })
    }

    /// Counts from here on what is read of this file.
    pub(super) fn watch(&mut self, path: &Path, file: Box<dyn Read>) -> Counted {
        self.bytes = Rc::default();
        // Of a pipe nobody knows how long it is.
        let metadata = std::fs::metadata(path).ok();
        self.bytes_total = metadata
            .filter(std::fs::Metadata::is_file)
            .map(|found| found.len());
        self.bar.restart(self.sources.both().boot_nanos);
        Counted {
            file,
            bytes: Rc::clone(&self.bytes),
        }
    }

    /// Shows that this many entries were looked at.
    pub(super) fn show(&mut self, entries: u64) {
        if entries.is_multiple_of(ENTRIES_A_LOOK) {
            let total = guessed(entries, self.bytes.get(), self.bytes_total);
            let now = self.sources.both().boot_nanos;
            self.bar.show("verifying", entries, total, now);
        }
    }

    /// Takes the bar away, so that a line can be written.
    pub(super) fn clear(&mut self) {
        self.bar.clear();
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bytes.set(self.bytes.get() + read as u64);
        Ok(read)
    }
}

/// How many entries there are, if those to come are as long as those that came.
fn guessed(entries: u64, bytes: u64, bytes_total: Option<u64>) -> Option<u64> {
    let total = bytes_total.filter(|total| *total >= bytes && bytes > 0)?;
    let guessed = u128::from(entries) * u128::from(total) / u128::from(bytes);
    u64::try_from(guessed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_counted_and_the_rest_guessed() {
        let mut progress = Progress::start().unwrap();
        let text: &[u8] = b"0123456789";
        let mut counted = progress.watch(Path::new("-"), Box::new(text));
        let mut buffer = [0; 4];
        assert_eq!(counted.read(&mut buffer).unwrap(), 4);
        assert_eq!((progress.bytes.get(), progress.bytes_total), (4, None));
        assert_eq!(guessed(2, 4, Some(10)), Some(5));
        assert_eq!(guessed(2, 4, None), None);
        assert_eq!(guessed(2, 0, Some(10)), None);
        assert_eq!(guessed(2, 11, Some(10)), None, "it grew meanwhile");
    }
}
