//! `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers): where the quota of a
//! client stands.

use claviger_service::oauth::QuotaState;
use http::{HeaderMap, HeaderName, HeaderValue};

const STATE: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const DAY_SECONDS: u32 = 86_400;

/// Adds the two headers.
pub(crate) fn add_headers(headers: &mut HeaderMap, quota: &QuotaState) {
    let QuotaState {
        limit,
        remaining,
        reset_seconds,
    } = quota;
    let state = format!("\"tokens-per-day\";r={remaining};t={reset_seconds}");
    let policy = format!("\"tokens-per-day\";q={limit};w={DAY_SECONDS}");
    for (name, value) in [(STATE, state), (POLICY, policy)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}
