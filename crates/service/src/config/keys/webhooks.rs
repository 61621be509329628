//! Webhooks.

use super::{Default, Key, Kind, key};

pub(in crate::config) static WEBHOOKS: &[Key] = &[
    key(
        "networks",
        Kind::Networks,
        Default::Value("[]"),
        "Private networks into which webhooks may lead, over `http` too. All others are refused, so \
         that no customer can have this instance knock at doors inside your network.",
    ),
    key(
        "days",
        Kind::Number {
            least: 4,
            most: 365,
        },
        Default::Value("30"),
        "How many days deliveries and their attempts are kept.",
    ),
];
