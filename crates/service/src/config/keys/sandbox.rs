//! When test environments are put back to their start.

use super::{Default, Key, Kind, key};

/// The days of the week, the first one first.
pub(in crate::config) static WEEKDAYS: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

pub(in crate::config) static SANDBOX: &[Key] = &[
    key(
        "reset",
        Kind::Word(&["weekly", "never"]),
        Default::Value("\"weekly\""),
        "Whether the test environments of all accounts are reset every week. An account resets its \
         own at any time.",
    ),
    key(
        "reset_day",
        Kind::Word(WEEKDAYS),
        Default::Value("\"sunday\""),
        "On which day of the week.",
    ),
    key(
        "reset_hour",
        Kind::Number { least: 0, most: 23 },
        Default::Value("3"),
        "At which full hour of the day, in UTC. What was missed while no node ran is made up for at \
         the next start.",
    ),
];
