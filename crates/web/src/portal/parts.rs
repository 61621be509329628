//! Small parts of pages: statuses, times, pagers.

use claviger_model::UnixMillis;
use claviger_model::keys::{EXPIRING_MILLIS, KeyStatus};
use claviger_model::time::DAY_MILLIS;
use claviger_service::App;

use crate::pages::dates;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A status: a shape and a word, and a colour that says no more than they do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// The word, in capitals.
    pub word: &'static str,
    /// Which look it has: `active`, `inactive`, `expiring` or `revoked`.
    pub look: &'static str,
}

/// A moment: how long ago or ahead, and exactly.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct When {
    /// Such as "3 h ago" or "in 61 days".
    pub told: String,
    /// Such as "22 November 2026, 11:40:05 UTC".
    pub exact: String,
    /// As machines read it (RFC 3339).
    pub machine: String,
}

/// A link to the next rows of a list.
pub struct Pager {
    /// Where the list begins, with the issuer's path, unless this is there.
    pub first: Option<String>,
    /// Where the next rows are, with the issuer's path, unless these are the last.
    pub next: Option<String>,
}

/// After how many days a credential should be replaced, if one that was made at `created_at` is as
/// old as that.
pub(super) fn too_old(app: &App, created_at: UnixMillis) -> Option<u32> {
    let days = app.settings().reminders.rotate_after_days?;
    let age = app.sources().now().since(created_at);
    (age >= i64::from(days) * DAY_MILLIS).then_some(days)
}

impl Status {
    /// It works.
    pub const ACTIVE: Self = Self::new("ACTIVE", "active");
    /// It is switched off.
    pub const INACTIVE: Self = Self::new("INACTIVE", "inactive");
    /// It works, and ends soon.
    pub const EXPIRING: Self = Self::new("EXPIRING", "expiring");
    /// It ended.
    pub const EXPIRED: Self = Self::new("EXPIRED", "revoked");
    /// It was ended.
    pub const REVOKED: Self = Self::new("REVOKED", "revoked");
    /// Another one takes its place.
    pub const RETIRING: Self = Self::new("RETIRING", "expiring");
    /// It is suspended with all that belongs to it.
    pub const SUSPENDED: Self = Self::new("SUSPENDED", "revoked");

    /// A status with a word and a look of its own.
    pub const fn of(word: &'static str, look: &'static str) -> Self {
        Self::new(word, look)
    }

    const fn new(word: &'static str, look: &'static str) -> Self {
        Self { word, look }
    }

    /// The status of what works until `expires_at`.
    pub fn until(expires_at: Option<UnixMillis>, now: UnixMillis) -> Self {
        match expires_at {
            Some(end) if end <= now => Self::EXPIRED,
            Some(end) if end.since(now) <= EXPIRING_MILLIS => Self::EXPIRING,
            _ => Self::ACTIVE,
        }
    }

    /// The status of a key.
    pub fn of_key(status: KeyStatus, expires_at: Option<UnixMillis>, now: UnixMillis) -> Self {
        match status {
            KeyStatus::Active => Self::until(expires_at, now),
            KeyStatus::Inactive => Self::INACTIVE,
            KeyStatus::Expired => Self::EXPIRED,
            KeyStatus::Revoked => Self::REVOKED,
        }
    }
}

impl When {
    /// A moment as seen from `now`.
    pub fn of(at: UnixMillis, now: UnixMillis) -> Self {
        let away = at.since(now);
        let span = span(away.abs());
        let told = match (away, span) {
            (_, None) => "now".to_owned(),
            (away, Some(span)) if away < 0 => format!("{span} ago"),
            (_, Some(span)) => format!("in {span}"),
        };
        Self {
            told,
            exact: format!("{}, {} UTC", dates::day(at), dates::clock(at)),
            machine: format!("{}T{}Z", dates::machine_day(at), dates::clock(at)),
        }
    }
}

/// A length of time in its largest unit; none when it is shorter than a second.
fn span(millis: i64) -> Option<String> {
    let (count, unit) = match millis {
        ..1_000 => return None,
        1_000..MINUTE => (millis / 1_000, "s"),
        MINUTE..HOUR => (millis / MINUTE, "min"),
        HOUR..DAY_MILLIS => (millis / HOUR, "h"),
        _ => (
            millis / DAY_MILLIS,
            if millis < 2 * DAY_MILLIS {
                "day"
            } else {
                "days"
            },
        ),
    };
    Some(format!("{count} {unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_347_605_000);

    #[test]
    fn moments_are_told_from_now() {
        for (away, told) in [
            (0, "now"),
            (-999, "now"),
            (-12_000, "12 s ago"),
            (-59 * MINUTE, "59 min ago"),
            (3 * HOUR, "in 3 h"),
            (DAY_MILLIS, "in 1 day"),
            (-61 * DAY_MILLIS, "61 days ago"),
        ] {
            assert_eq!(When::of(NOW.plus_millis(away), NOW).told, told);
        }
        let when = When::of(NOW, NOW);
        assert_eq!(when.exact, "22 November 2026, 11:40:05 UTC");
        assert_eq!(when.machine, "2026-11-22T11:40:05Z");
    }

    #[test]
    fn what_ends_soon_is_expiring() {
        let status = |away| Status::until(Some(NOW.plus_millis(away)), NOW);
        assert_eq!(status(0), Status::EXPIRED);
        assert_eq!(status(EXPIRING_MILLIS), Status::EXPIRING);
        assert_eq!(status(EXPIRING_MILLIS + 1), Status::ACTIVE);
        assert_eq!(Status::until(None, NOW), Status::ACTIVE);
    }
}
