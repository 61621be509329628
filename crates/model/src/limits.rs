//! Rate limits.

use serde::{Deserialize, Serialize};

/// The longest window, in seconds: a day.
pub const WINDOW_SECONDS_MAX: u32 = 86_400;
/// The highest limit in one window.
pub const LIMIT_MAX: u32 = 1_000_000_000;

/// At most `limit` requests in any `window_seconds`, with bursts up to `limit`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Requests per window.
    pub limit: u32,
    /// The window, in seconds.
    pub window_seconds: u32,
}

/// A rate limit out of bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidLimit {
    /// The limit is zero or beyond [`LIMIT_MAX`].
    #[error("must have a limit of 1 to {LIMIT_MAX}")]
    Limit,
    /// The window is zero or beyond [`WINDOW_SECONDS_MAX`].
    #[error("must have a window_seconds of 1 to {WINDOW_SECONDS_MAX}")]
    Window,
}

impl RateLimit {
    /// Checks the bounds.
    pub fn new(limit: u32, window_seconds: u32) -> Result<Self, InvalidLimit> {
        if limit == 0 || limit > LIMIT_MAX {
            return Err(InvalidLimit::Limit);
        }
        if window_seconds == 0 || window_seconds > WINDOW_SECONDS_MAX {
            return Err(InvalidLimit::Window);
        }
        Ok(Self {
            limit,
            window_seconds,
        })
    }

    /// Whether it lets nothing through that `other` would not: neither more at once nor more over
    /// time.
    pub fn is_within(self, other: Self) -> bool {
        let ours = u64::from(self.limit) * u64::from(other.window_seconds);
        let theirs = u64::from(other.limit) * u64::from(self.window_seconds);
        self.limit <= other.limit && ours <= theirs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_within_another_by_its_burst_and_by_its_rate() {
        let rate = |limit, window| RateLimit::new(limit, window).unwrap();
        let ceiling = rate(60, 60);
        for (limit, is_within) in [
            (rate(60, 60), true),
            (rate(59, 60), true),
            (rate(1, 1), true),
            (rate(60, 61), true),
            (rate(61, 61), false),
            (rate(60, 59), false),
            (rate(2, 1), false),
            (rate(LIMIT_MAX, WINDOW_SECONDS_MAX), false),
        ] {
            assert_eq!(limit.is_within(ceiling), is_within, "{limit:?}");
        }
    }
}
