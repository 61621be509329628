//! What credentials and tokens look like and how long they live.

use super::{Default, Key, Kind, key, unset};

pub(in crate::config) static CREDENTIALS: &[Key] = &[
    key(
        "key_prefix_live",
        Kind::Prefix,
        Default::Value("\"ck_live_\""),
        "What API keys for live data start with: 2 to 32 of `a-z`, `0-9` and `_`, a letter first \
         and `_` last.",
    ),
    key(
        "key_prefix_test",
        Kind::Prefix,
        Default::Value("\"ck_test_\""),
        "What API keys for test data start with. It differs from the one for live data.",
    ),
    key(
        "client_secret_prefix_live",
        Kind::Prefix,
        Default::Value("\"cs_live_\""),
        "What the secrets of clients for live data start with.",
    ),
    key(
        "client_secret_prefix_test",
        Kind::Prefix,
        Default::Value("\"cs_test_\""),
        "What the secrets of clients for test data start with.",
    ),
    key(
        "legacy_key_prefix",
        Kind::Prefix,
        Default::Value("\"cl_\""),
        "What legacy keys start with. No two kinds of credential have the same prefix.",
    ),
    key(
        "legacy_keys",
        Kind::Flag,
        Default::Value("true"),
        "Whether accounts may generate legacy keys: one for an account, without scopes and \
         without end. Those that exist stay valid.",
    ),
    key(
        "legacy_deprecated_since",
        Kind::Date,
        Default::Value("\"2025-01-01\""),
        "Since when legacy keys are deprecated, in UTC. Every answer to one says so in a \
         `Deprecation` header (RFC 9745).",
    ),
];

pub(in crate::config) static TOKENS: &[Key] = &[
    key(
        "signing_algorithm",
        Kind::Word(&["ES256", "RS256", "EdDSA"]),
        Default::Value("\"ES256\""),
        "How tokens are signed that are for several APIs. For one API its own algorithm counts.",
    ),
    key(
        "lifetime_seconds",
        Kind::Number {
            least: 1,
            most: 2_592_000,
        },
        Default::Value("3600"),
        "How long an access token lives when neither its client nor its API says.",
    ),
    key(
        "per_day",
        Kind::Number {
            least: 1,
            most: 1_000_000,
        },
        unset("no quota", "10"),
        "How many tokens a client gets in a day (UTC) when the client does not say. It is \
         counted exactly, in the database.",
    ),
    key(
        "quota_mode",
        Kind::Word(&["enforce", "observe"]),
        Default::Value("\"enforce\""),
        "Whether a request beyond the quota is refused, or only counted.",
    ),
    key(
        "jwks_cache_seconds",
        Kind::Number {
            least: 1,
            most: 86_400,
        },
        Default::Value("300"),
        "How long those who verify tokens may keep `/.well-known/jwks.json`. A new signing key is \
         published so long before it signs.",
    ),
    key(
        "signing_key_days",
        Kind::Number {
            least: 1,
            most: 3_650,
        },
        Default::Value("90"),
        "How many days a signing key signs before the next one takes over.",
    ),
];
