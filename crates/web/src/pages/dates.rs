//! Days as pages show them.

use claviger_model::time::{DAY_MILLIS, UnixMillis};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The day in UTC, such as 22 November 2026.
pub(crate) fn day(at: UnixMillis) -> String {
    let (year, month, day) = civil(at.0.div_euclid(DAY_MILLIS));
    let month = usize::try_from(month - 1).unwrap_or_default();
    format!("{day} {} {year}", MONTHS.get(month).unwrap_or(&""))
}

/// The day in UTC as machines read it, such as 2026-11-22.
pub(crate) fn machine_day(at: UnixMillis) -> String {
    let (year, month, day) = civil(at.0.div_euclid(DAY_MILLIS));
    format!("{year:04}-{month:02}-{day:02}")
}

/// The time of day in UTC, such as 11:40:05.
pub(crate) fn clock(at: UnixMillis) -> String {
    let seconds = at.0.rem_euclid(DAY_MILLIS) / 1_000;
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

/// The beginning of a day as machines write it, such as 2026-11-22; none for what is no day.
pub(crate) fn parse_day(text: &str) -> Option<UnixMillis> {
    let mut parts = text.splitn(3, '-');
    let mut part = |length: usize| {
        let part = parts.next().filter(|part| part.len() == length)?;
        let is_plain = part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<i64>().ok().filter(|_| is_plain)
    };
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    let days = days(year, month, day);
    (civil(days) == (year, month, day)).then_some(UnixMillis(days * DAY_MILLIS))
}

/// The minute in UTC as forms have it, such as 2026-11-22T11:40.
pub(crate) fn machine_minute(at: UnixMillis) -> String {
    let clock = clock(at);
    format!("{}T{}", machine_day(at), clock.get(..5).unwrap_or_default())
}

/// The moment that a form says, such as 2026-11-22T11:40, perhaps with seconds; none for what is no
/// moment.
pub(crate) fn parse_minute(text: &str) -> Option<UnixMillis> {
    let (day, clock) = text.split_once('T')?;
    let mut parts = clock.splitn(3, ':');
    let mut part = |most: i64| {
        let part = parts.next()?;
        let is_plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        let number = part.parse::<i64>().ok().filter(|_| is_plain)?;
        (number <= most).then_some(number)
    };
    let (hours, minutes) = (part(23)?, part(59)?);
    let seconds = if clock.len() > 5 { part(59)? } else { 0 };
    let seconds = (hours * 60 + minutes) * 60 + seconds;
    Some(parse_day(day)?.plus_millis(seconds * 1_000))
}

/// The days from 1970-01-01 to a day: the other way round of `civil`.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let month = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a day since 1970-01-01. Years begin in March here, so that the day that
/// comes and goes is the last.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (days, told, machine) in [
            (0, "1 January 1970", "1970-01-01"),
            (11_016, "29 February 2000", "2000-02-29"),
            (11_017, "1 March 2000", "2000-03-01"),
            (20_779, "22 November 2026", "2026-11-22"),
            (-1, "31 December 1969", "1969-12-31"),
        ] {
            let at = UnixMillis(days * DAY_MILLIS + 1);
            assert_eq!(
                (day(at).as_str(), machine_day(at).as_str()),
                (told, machine)
            );
            let begins = UnixMillis(days * DAY_MILLIS);
            assert_eq!(parse_day(machine), Some(begins));
        }
        for wrong in [
            "2026-02-30",
            "2026-13-01",
            "2026-1-01",
            "+026-01-01",
            "x",
            "",
        ] {
            assert_eq!(parse_day(wrong), None, "{wrong}");
        }
        let minute = UnixMillis(20_779 * DAY_MILLIS + 42_000_000);
        assert_eq!(machine_minute(minute), "2026-11-22T11:40");
        assert_eq!(parse_minute("2026-11-22T11:40"), Some(minute));
        assert_eq!(
            parse_minute("2026-11-22T11:40:01"),
            Some(minute.plus_millis(1_000))
        );
        for wrong in [
            "2026-11-22",
            "2026-11-22T24:00",
            "2026-11-22T1:40",
            "2026-11-22T11:40:x",
        ] {
            assert_eq!(parse_minute(wrong), None, "{wrong}");
        }
        assert_eq!(clock(UnixMillis(DAY_MILLIS - 1)), "23:59:59");
    }
}
