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
}
