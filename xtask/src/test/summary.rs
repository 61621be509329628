//! What the test programs reported, added up.

use std::fmt;

/// How many tests passed and failed, over all test programs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Summary {
    /// Adds the counts of a `test result:` line of the standard test harness; ignores other lines.
    pub(crate) fn add_line(&mut self, line: &str) {
        let Some(result) = line.trim().strip_prefix("test result:") else {
            return;
        };
        for part in result.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let (Some(count), Some(what), None) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            match (count.parse::<u64>(), what) {
                (Ok(count), "passed") => self.passed += count,
                (Ok(count), "failed") => self.failed += count,
                _ => {}
            }
        }
    }

    /// Takes the exit of the whole run into account: a run that failed without a failed test (it
    /// did not compile, a test program died) counts as one failure.
    pub(crate) fn with_exit(mut self, success: bool) -> Self {
        if !success {
            self.failed = self.failed.max(1);
        }
        self
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::Summary;

    const OK: &str = "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; \
                      finished in 0.00s";
    const BAD: &str = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; \
                       0 filtered out; finished in 12.31s";

    fn check(lines: &[&str], success: bool, expected: &str) {
        let mut summary = Summary::default();
        for line in lines {
            summary.add_line(line);
        }
        assert_eq!(summary.with_exit(success).to_string(), expected);
    }

    #[test]
    fn adds_the_lines_of_all_programs() {
        check(
            &["running 5 tests", OK, "", BAD],
            false,
            "6 passed, 2 failed",
        );
        check(&[OK, OK], true, "10 passed, 0 failed");
        check(
            &["test x ... ok", "7 passed; 3 failed"],
            true,
            "0 passed, 0 failed",
        );
    }

    #[test]
    fn a_run_that_dies_without_a_result_is_a_failure() {
        check(&[OK], false, "5 passed, 1 failed");
        check(&[BAD], false, "1 passed, 2 failed");
    }
}
