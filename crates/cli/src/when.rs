//! Points in time as people type them.

use claviger_model::UnixMillis;
use claviger_model::time::DAY_MILLIS;

use crate::exit::{Exit, Failure};

/// Reads `90d` (from now), `2026-12-31T00:00:00Z`, or Unix milliseconds.
///
/// # Errors
/// The text is none of these.
pub(crate) fn parse(text: &str, now: UnixMillis) -> Result<i64, Failure> {
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<i64>().ok());
    if let Some(days) = days {
        return Ok(now.plus_millis(days.saturating_mul(DAY_MILLIS)).0);
    }
    if let Ok(millis) = text.parse() {
        return Ok(millis);
    }
    let date = text
        .parse::<jiff::Timestamp>()
        .map(jiff::Timestamp::as_millisecond);
    date.map_err(|_| {
        Failure::new(Exit::Usage, format!("{text} is no point in time"))
            .hint("write 90d, 2026-12-31T00:00:00Z or Unix milliseconds")
    })
}

/// Reads a stretch of time in seconds: `90s`, `30m`, `24h`, `7d`, or a number of seconds.
///
/// # Errors
/// The text is none of these.
pub(crate) fn seconds(text: &str) -> Result<i64, Failure> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400), ("", 1)];
    let read = |(unit, seconds): (&str, i64)| {
        let number: i64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(seconds)
    };
    units.into_iter().find_map(read).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("{text} is no stretch of time"))
            .hint("write 90s, 30m, 24h or 7d")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_days_dates_and_milliseconds() {
        let now = UnixMillis(1_000);
        assert_eq!(parse("90d", now).unwrap(), 1_000 + 90 * DAY_MILLIS);
        assert_eq!(
            parse("2025-03-10T00:00:00Z", now).unwrap(),
            1_741_564_800_000
        );
        assert_eq!(parse("1741564800000", now).unwrap(), 1_741_564_800_000);
        assert_eq!(parse("tomorrow", now).unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn reads_stretches_of_time() {
        for (text, expected) in [
            ("90s", 90),
            ("30m", 1_800),
            ("24h", 86_400),
            ("7d", 604_800),
        ] {
            assert_eq!(seconds(text).unwrap(), expected);
        }
        assert_eq!(seconds("60").unwrap(), 60);
        assert_eq!(seconds("soon").unwrap_err().exit, Exit::Usage);
    }
}
