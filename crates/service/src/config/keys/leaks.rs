//! Reports of leaked credentials.

use super::{Default, Key, Kind, key, unset};

pub(in crate::config) static LEAKS: &[Key] = &[
    key(
        "policy",
        Kind::Word(&["revoke", "quarantine", "notify"]),
        Default::Value("\"revoke\""),
        "What happens to a credential that is reported. `revoke` ends it. `quarantine` switches \
         an API key off, which its owner can take back, and ends every other credential. \
         `notify` only writes it down and tells webhooks.",
    ),
    key(
        "github",
        Kind::Flag,
        Default::Value("false"),
        "Whether `POST /v1/leaks/github` takes the alerts of GitHub's secret scanning.",
    ),
    key(
        "github_keys_file",
        Kind::Path,
        unset("they are fetched", "\"github-keys.json\""),
        "A file with the public keys of GitHub's alerts, in the form in which GitHub publishes \
         them.",
    ),
    key(
        "github_keys_url",
        Kind::Url,
        Default::Value("\"https://api.github.com/meta/public_keys/secret_scanning\""),
        "Where the public keys of GitHub's alerts are fetched.",
    ),
];
