//! Reading a file line by line, in the same memory however long it or a line of it is.

use std::io::{self, BufRead, Read as _};

use super::line::LINE_BYTES_MAX;

/// A line with its number, from one; none as text when it is too long or no UTF-8.
pub(super) struct NumberedLine {
    pub(super) number: u64,
    pub(super) text: Result<String, &'static str>,
}

/// The lines of a file that are not empty.
pub(super) struct Lines<'s, S> {
    source: &'s mut S,
    number: u64,
}

impl<'s, S: BufRead> Lines<'s, S> {
    pub(super) fn of(source: &'s mut S) -> Self {
        Self { source, number: 0 }
    }

    /// The next lines, at most `most`; none at the end.
    pub(super) fn page(&mut self, most: usize) -> io::Result<Vec<NumberedLine>> {
        let mut page = Vec::new();
        while page.len() < most {
            match self.next_line()? {
                Some(line) => page.push(line),
                None => break,
            }
        }
        Ok(page)
    }

    fn next_line(&mut self) -> io::Result<Option<NumberedLine>> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let most = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
            let read = (&mut *self.source)
                .take(most)
                .read_until(b'\n', &mut bytes)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            let number = self.number;
            if bytes.len() == LINE_BYTES_MAX && !bytes.ends_with(b"\n") {
                self.source.skip_until(b'\n')?;
                let text = Err("is longer than 64 KiB.");
                return Ok(Some(NumberedLine { number, text }));
            }
            let text = match std::str::from_utf8(&bytes) {
                Ok(text) => Ok(text.trim_start_matches('\u{feff}').trim().to_owned()),
                Err(_) => Err("is not UTF-8."),
            };
            if text.as_ref().is_ok_and(String::is_empty) {
                continue;
            }
            return Ok(Some(NumberedLine { number, text }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_numbers_whatever_stands_between_them() {
        let long = "x".repeat(LINE_BYTES_MAX);
        let text = format!("\u{feff}one\r\n\n{long}y\n  two\nthree");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(b"\n\xff\n");
        let mut source = io::Cursor::new(bytes);
        let mut lines = Lines::of(&mut source);
        let mut found = Vec::new();
        loop {
            let page = lines.page(2).unwrap();
            if page.is_empty() {
                break;
            }
            found.extend(page.into_iter().map(|line| (line.number, line.text)));
        }
        let expected = [
            (1, Ok("one".to_owned())),
            (3, Err("is longer than 64 KiB.")),
            (4, Ok("two".to_owned())),
            (5, Ok("three".to_owned())),
            (6, Err("is not UTF-8.")),
        ];
        assert_eq!(found, expected);
    }
}
