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
}
