//! A bar with count, rate and time left, for what takes longer than a second, at a terminal only.

use std::io::{self, IsTerminal, Write};

/// How often the bar is drawn, and how long nothing is shown at first.
const PERIOD_NANOS: u64 = 200_000_000;
const QUIET_NANOS: u64 = 1_000_000_000;
const CELLS: u64 = 24;

/// A bar on the last line of standard error.
pub(crate) struct Bar {
    is_shown: bool,
    started_nanos: u64,
    drawn_nanos: u64,
    is_drawn: bool,
}

impl Bar {
    /// One that starts at `now_nanos` of the boot clock. Nothing is drawn where nobody looks.
    pub(crate) fn start(now_nanos: u64) -> Self {
        Self {
            is_shown: io::stderr().is_terminal(),
            started_nanos: now_nanos,
            drawn_nanos: 0,
            is_drawn: false,
        }
    }

    /// Starts anew, for another kind of work.
    pub(crate) fn restart(&mut self, now_nanos: u64) {
        self.clear();
        self.started_nanos = now_nanos;
    }

    /// Shows how far it is.
    pub(crate) fn show(&mut self, what: &str, done: u64, total: Option<u64>, now_nanos: u64) {
        let since = now_nanos.saturating_sub(self.started_nanos);
        let is_time = now_nanos.saturating_sub(self.drawn_nanos) >= PERIOD_NANOS;
        if !self.is_shown || since < QUIET_NANOS || !is_time {
            return;
        }
        self.drawn_nanos = now_nanos;
        self.is_drawn = true;
        // There is nobody left to tell that standard error is gone.
        let _ = write!(
            io::stderr().lock(),
            "\r\x1b[2K{}",
            line(what, done, total, since)
        );
    }

    /// Takes the bar away, so that a line can be written.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            let _ = write!(io::stderr().lock(), "\r\x1b[2K");
        }
    }
}

/// The bar's line after so many nanoseconds.
fn line(what: &str, done: u64, total: Option<u64>, since_nanos: u64) -> String {
    let rate = per_second(done, since_nanos);
    let Some(total) = total.filter(|total| *total > 0) else {
        return format!("{what}  {done}  {rate}/s");
    };
    let done = done.min(total);
    let full = usize::try_from(CELLS * done / total).unwrap_or_default();
    let cells = usize::try_from(CELLS).unwrap_or_default();
    let bar = format!("{}{}", "#".repeat(full), ".".repeat(cells - full));
    let left = match rate {
        0 => String::new(),
        rate => format!("  {} left", seconds((total - done).div_ceil(rate))),
    };
    format!("{what}  [{bar}]  {done} of {total}  {rate}/s{left}")
}

fn per_second(done: u64, since_nanos: u64) -> u64 {
    let rate = u128::from(done) * 1_000_000_000 / u128::from(since_nanos.max(1));
    u64::try_from(rate).unwrap_or(u64::MAX)
}

fn seconds(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_count_rate_and_time_left() {
        let second = 1_000_000_000;
        let half = line("importing", 5_000, Some(10_000), 2 * second);
        let expected = "importing  [############............]  5000 of 10000  2500/s  2 s left";
        assert_eq!(half, expected);
        assert_eq!(line("checking", 10, None, second), "checking  10  10/s");
        assert!(line("x", 1, Some(9_000), second).ends_with("2 h 29 min left"));
        assert!(line("x", 0, Some(9), second).ends_with("0 of 9  0/s"));
    }
}
