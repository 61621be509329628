//! `ETag` and `If-Match` (RFC 9110 section 13.1.1).

use axum::extract::FromRequestParts;
use claviger_model::Reason;
use http::header::IF_MATCH;
use http::request::Parts;

use crate::error::Failure;
use crate::state::Web;

/// The version that the caller has read, when it says so.
pub struct IfMatch(pub Option<i64>);

impl FromRequestParts<Web> for IfMatch {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _web: &Web) -> Result<Self, Failure> {
        let Some(value) = parts.headers.get(IF_MATCH) else {
            return Ok(Self(None));
        };
        let text = value.to_str().unwrap_or("").trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let tag = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        // A tag that we never gave is one that no longer matches.
        let version = tag.and_then(|tag| tag.parse().ok());
        version.map_or_else(
            || Err(Failure::new(Reason::PreconditionFailed)),
            |v| Ok(Self(Some(v))),
        )
    }
}

/// The `ETag` of a version.
pub fn etag(version: i64) -> [(http::HeaderName, String); 1] {
    [(http::header::ETAG, format!("\"{version}\""))]
}
