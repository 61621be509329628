//! How often a key may be used: what an operator said, its account may only tighten.

use claviger_model::Problems;
use claviger_model::keys::{ApiKey, KeyDraft, KeySettings};
use claviger_model::limits::RateLimit;

use crate::access::KeyAccess;
use crate::error::Error;

/// Refuses an account that wants more than an operator gave.
pub(super) fn check(access: &KeyAccess, key: &ApiKey, after: &KeySettings) -> Result<(), Error> {
    let Some(ceiling) = key.rate_ceiling.filter(|_| !access.is_operator()) else {
        return Ok(());
    };
    if after.rate_limit.is_some_and(|rate| rate.is_within(ceiling)) {
        return Ok(());
    }
    let RateLimit {
        limit,
        window_seconds,
    } = ceiling;
    let sentence = format!(
        "must be given and at most {limit} in {window_seconds} seconds, which an operator set; \
         only an operator can raise it"
    );
    Err(Problems::of("rate_limit", sentence).into())
}

/// How often an operator said that the key may be used at most, after what `draft` asks for; it was
/// `before`.
pub(super) fn ceiling(
    access: &KeyAccess,
    draft: &KeyDraft,
    after: &KeySettings,
    before: Option<RateLimit>,
) -> Option<RateLimit> {
    if access.is_operator() && draft.rate_limit.is_some() {
        after.rate_limit
    } else {
        before
    }
}
