//! Credentials that others can read: whoever holds one may have it ended.
//!
//! 1. Possession is the permission: what is known of the reporter decides nothing.
//! 2. It is written down that the credential was reported, once a day at most; then the policy of
//!    the instance is carried out.
//! 3. Nobody is told what a text was. The answer takes the same time whatever is done.

mod found;
pub mod github;
mod report;
mod shown;

pub use report::{REPORT_TIME, Reporter, Verdict, report, report_silently};
pub use shown::{LeakReport, last_report};

use claviger_model::limits::RateLimit;
use claviger_model::{codes, devices, pushed_requests, refresh, secret};
use tokio::sync::Semaphore;

use crate::network::NetworkLimits;
use crate::settings::{INVITATION_PREFIX, SESSION_PREFIX, Settings};
use github::KnownKeys;

/// Reports of one network.
const AT_MOST: RateLimit = RateLimit {
    limit: 30,
    window_seconds: 60,
};
/// Reports that are looked into at once.
const AT_ONCE: usize = 32;

/// What keeps reports within bounds, and whose alerts are believed.
pub(crate) struct Leaks {
    networks: NetworkLimits,
    places: Semaphore,
    github_keys: KnownKeys,
}

impl Leaks {
    pub(crate) fn new() -> Self {
        Self {
            networks: NetworkLimits::new(AT_MOST),
            places: Semaphore::new(AT_ONCE),
            github_keys: KnownKeys::default(),
        }
    }
}

/// A regular expression for every secret that this instance makes now; for scanners of source code.
/// What was made with an earlier prefix, and keys that were made elsewhere, are not among them.
pub fn pattern(settings: &Settings) -> String {
    let prefixes = &settings.prefixes;
    secret::pattern([
        prefixes.key_live.as_str(),
        &prefixes.key_test,
        &prefixes.client_secret_live,
        &prefixes.client_secret_test,
        &prefixes.legacy_key,
        SESSION_PREFIX,
        INVITATION_PREFIX,
        refresh::REFRESH_PREFIX,
        codes::CODE_PREFIX,
        devices::DEVICE_CODE_PREFIX,
        pushed_requests::PUSHED_REQUEST_PREFIX,
    ])
}
