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
pub(super) fn day(at: UnixMillis) -> String {
    let (year, month, day) = civil(at.0.div_euclid(DAY_MILLIS));
    let month = usize::try_from(month - 1).unwrap_or_default();
    format!("{day} {} {year}", MONTHS.get(month).unwrap_or(&""))
}

/// The day in UTC as machines read it, such as 2026-11-22.
pub(super) fn machine_day(at: UnixMillis) -> String {
    let (year, month, day) = civil(at.0.div_euclid(DAY_MILLIS));
    format!("{year:04}-{month:02}-{day:02}")
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
        }
    }
}
