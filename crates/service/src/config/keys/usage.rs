//! How long counts of requests are kept.

use super::{Default, Key, Kind, key};

pub(in crate::config) static USAGE: &[Key] = &[
    key(
        "minutes_days",
        days(30),
        Default::Value("2"),
        "How many days counts by the minute are kept.",
    ),
    key(
        "hours_days",
        days(400),
        Default::Value("35"),
        "How many days counts by the hour are kept.",
    ),
    key(
        "days",
        days(3_660),
        Default::Value("400"),
        "How many days counts by the day are kept.",
    ),
];

const fn days(most: i64) -> Kind {
    Kind::Number { least: 1, most }
}
