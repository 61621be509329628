//! Over which time usage is looked at, and in which steps.

use claviger_model::UnixMillis;
use claviger_model::time::DAY_MILLIS;

use crate::pages::dates;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A span of time that ends now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Span {
    /// The last hour, by five minutes.
    Hour,
    /// The last day, by the hour.
    Day,
    /// The last thirty days, by the day.
    Month,
}

impl Span {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// The word in an address.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Month => "30d",
        }
    }

    /// The one that a word names.
    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|span| span.as_str() == word)
    }

    /// What people call it.
    pub(super) const fn told(self) -> &'static str {
        match self {
            Self::Hour => "1 hour",
            Self::Day => "24 hours",
            Self::Month => "30 days",
        }
    }

    /// The same behind "the last".
    pub(super) const fn past(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day | Self::Month => self.told(),
        }
    }

    /// What a step is called.
    pub(super) const fn step_name(self) -> &'static str {
        match self {
            Self::Hour => "Five minutes from (UTC)",
            Self::Day => "Hour from (UTC)",
            Self::Month => "Day (UTC)",
        }
    }

    /// How long a step is, in milliseconds.
    pub(super) const fn step_millis(self) -> i64 {
        match self {
            Self::Hour => 5 * MINUTE,
            Self::Day => HOUR,
            Self::Month => DAY_MILLIS,
        }
    }

    const fn steps(self) -> i64 {
        match self {
            Self::Hour => 12,
            Self::Day => 24,
            Self::Month => 30,
        }
    }

    /// When its steps begin, the oldest first; the last one is under way at `now`.
    pub(super) fn starts(self, now: UnixMillis) -> Vec<UnixMillis> {
        let step = self.step_millis();
        let last = now.0.div_euclid(step);
        let starts = last - self.steps() + 1..=last;
        starts.map(|number| UnixMillis(number * step)).collect()
    }

    /// When it begins.
    pub(super) fn from(self, now: UnixMillis) -> UnixMillis {
        let first = self.starts(now).into_iter().next();
        first.unwrap_or(now)
    }

    /// What people call the step that begins at a moment.
    pub(super) fn step(self, at: UnixMillis) -> String {
        match self {
            Self::Hour | Self::Day => dates::clock(at).chars().take(5).collect(),
            Self::Month => dates::day(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_is_under_way() {
        let now = UnixMillis(1_795_347_605_000);
        for span in Span::ALL {
            let starts = span.starts(now);
            let last = starts.last().copied().unwrap_or(now);
            assert!(last <= now && last.plus_millis(span.step_millis()) > now);
            assert_eq!(span.from(now), starts[0]);
            assert_eq!(Span::parse(span.as_str()), Some(span));
        }
        assert_eq!(Span::Day.starts(now).len(), 24);
        assert_eq!(Span::Day.step(now), "11:40");
    }
}
