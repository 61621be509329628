//! The audit log's checkpoints.

use super::{Default, Key, Kind, key};

pub(in crate::config) static AUDIT: &[Key] = &[
    key(
        "checkpoint_minutes",
        Kind::Number {
            least: 1,
            most: 10_080,
        },
        Default::Value("60"),
        "How many minutes after the last checkpoint the next one is signed, when there are events \
         since.",
    ),
    key(
        "checkpoint_events",
        Kind::Number {
            least: 10,
            most: 10_000,
        },
        Default::Value("1000"),
        "How many events a checkpoint adds at most; one is signed as soon as there are so many.",
    ),
];
