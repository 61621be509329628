//! `Deprecation` (RFC 9745): that legacy keys are deprecated, and since when, is told with every
//! answer to one.

use axum::response::Response;
use claviger_model::credentials::CredentialKind;
use claviger_verify::Decision;
use http::{HeaderName, HeaderValue};

use crate::state::Web;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");

/// Tells it with the answer to a request that came with a legacy key, allowed or refused.
pub(crate) fn announce_for(web: &Web, decision: &Decision, response: &mut Response) {
    let credential = decision.credential.as_ref();
    let is_legacy = |kind| kind == CredentialKind::LegacyKey;
    if credential.is_some_and(|credential| is_legacy(credential.identity().kind())) {
        announce(web, response);
    }
}

/// Tells it with any answer.
pub(crate) fn announce(web: &Web, response: &mut Response) {
    // A date is a number of seconds behind an `@` (RFC 9651 section 3.3.7).
    let seconds = web
        .app()
        .settings()
        .legacy_deprecated_since
        .0
        .div_euclid(1_000);
    if let Ok(value) = HeaderValue::from_str(&format!("@{seconds}")) {
        response.headers_mut().insert(DEPRECATION, value);
    }
}
