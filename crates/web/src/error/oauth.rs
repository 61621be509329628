//! The errors of the OAuth endpoints (RFC 6749 section 5.2): `{"error","error_description"}`.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use claviger_model::ids::RequestId;
use claviger_service::oauth::{ErrorCode, QuotaState, Refusal};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::api::DPOP_NONCE;
use super::{Carried, Failure, log_cause};
use crate::oauth::quota;

/// How a client can prove who it is (RFC 7617).
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"Claviger\"");

/// What a registration is managed with (RFC 6750 section 3.1).
const TOKEN_CHALLENGE: HeaderValue =
    HeaderValue::from_static("Bearer realm=\"Claviger\", error=\"invalid_token\"");

/// A refusal of an OAuth endpoint on its way to its rendering.
#[derive(Clone, Debug)]
pub struct OAuthFailure {
    code: ErrorCode,
    status: StatusCode,
    description: String,
    retry_after_seconds: Option<u32>,
    quota: Option<QuotaState>,
    /// What the next proof of possession has to carry.
    dpop_nonce: Option<String>,
    /// Whether a 401 says how to authenticate by the header.
    is_challenge: bool,
}

/// The body of a refusal.
#[derive(Serialize, ToSchema)]
pub struct OAuthError {
    /// A word of RFC 6749 section 5.2, RFC 8707 section 2 or RFC 9449 sections 5 and 8;
    /// `rate_limited`, `quota_exhausted`.
    #[schema(example = "invalid_scope")]
    error: &'static str,
    /// What to change, for the client's developer.
    #[schema(example = "This client does not hold write:leads.")]
    error_description: String,
    /// The request, where the fault is the server's; every answer has it in `Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    request_id: Option<RequestId>,
}

impl OAuthFailure {
    /// Refused with this word and this sentence.
    pub fn because(code: ErrorCode, description: impl Into<String>) -> Self {
        Self {
            code,
            status: status(code),
            description: description.into(),
            retry_after_seconds: None,
            quota: None,
            dpop_nonce: None,
            is_challenge: true,
        }
    }

    /// Of a client that authenticated in the body: a challenge is for the header, and libraries
    /// take one for the error itself (RFC 6749 section 5.2).
    #[must_use]
    pub fn without_challenge(self) -> Self {
        Self {
            is_challenge: false,
            ..self
        }
    }

    /// The body is of a type that is not read here.
    pub fn media_type(description: impl Into<String>) -> Self {
        Self {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ..Self::invalid_request(description)
        }
    }

    /// The request cannot be understood.
    pub fn invalid_request(description: impl Into<String>) -> Self {
        Self::because(ErrorCode::InvalidRequest, description)
    }
}

impl From<Refusal> for OAuthFailure {
    fn from(refusal: Refusal) -> Self {
        if let Some(cause) = &refusal.cause {
            log_cause(cause);
        }
        Self {
            retry_after_seconds: refusal.retry_after_seconds,
            quota: refusal.quota,
            dpop_nonce: refusal.dpop_nonce,
            ..Self::because(refusal.code, refusal.description)
        }
    }
}

/// What fails before or beside the endpoints, such as a body that is too large or a wrong method.
impl From<&Failure> for OAuthFailure {
    fn from(failure: &Failure) -> Self {
        let status = failure.status();
        let code = match status {
            StatusCode::SERVICE_UNAVAILABLE => ErrorCode::TemporarilyUnavailable,
            status if status.is_server_error() => ErrorCode::ServerError,
            _ => ErrorCode::InvalidRequest,
        };
        Self {
            status,
            retry_after_seconds: failure.retry_after_seconds,
            ..Self::because(code, failure.message.clone())
        }
    }
}

impl IntoResponse for OAuthFailure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let carried = Carried::OAuth(Arc::new(self));
        response.extensions_mut().insert(carried);
        response
    }
}

const fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidClient | ErrorCode::InvalidToken => StatusCode::UNAUTHORIZED,
        ErrorCode::RateLimited | ErrorCode::QuotaExhausted => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Renders a refusal. Two refusals for the same reason are the same bytes: the request's id is in
/// the body of faults alone.
pub fn render(failure: &OAuthFailure, request_id: RequestId) -> Response {
    let error = OAuthError {
        error: failure.code.as_str(),
        error_description: failure.description.chars().map(permitted).collect(),
        request_id: failure.status.is_server_error().then_some(request_id),
    };
    let mut response = Response::new(Body::from(serde_json::to_vec(&error).unwrap_or_default()));
    *response.status_mut() = failure.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    not_stored(headers);
    if failure.status == StatusCode::UNAUTHORIZED && failure.is_challenge {
        let challenge = match failure.code {
            ErrorCode::InvalidToken => TOKEN_CHALLENGE,
            _ => CHALLENGE,
        };
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    if let Some(seconds) = failure.retry_after_seconds {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    add_proof_nonce(headers, failure.dpop_nonce.as_deref());
    if let Some(state) = &failure.quota {
        quota::add_headers(headers, state);
    }
    response
}

/// Says that no cache may keep the answer (RFC 6749 section 5.1).
pub fn not_stored(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
}

/// Says what the next proof of possession has to carry (RFC 9449 section 8).
pub fn add_proof_nonce(headers: &mut HeaderMap, nonce: Option<&str>) {
    if let Some(Ok(nonce)) = nonce.map(HeaderValue::from_str) {
        headers.insert(DPOP_NONCE, nonce);
    }
}

/// The characters of `error_description` (RFC 6749 section 5.2).
fn permitted(character: char) -> char {
    match character {
        '"' => '\'',
        '\\' => '/',
        ' '..='~' => character,
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_only_the_characters_of_the_standard() {
        let told: String = "é \"x\" \\ \n~".chars().map(permitted).collect();
        assert_eq!(told, "? 'x' / ?~");
    }
}
