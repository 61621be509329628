//! The REST envelope: `{"error":{"code","message","reason","request_id","docs_url",…}}`.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use claviger_model::Reason;
use claviger_model::ids::RequestId;
use claviger_verify::jose::ClientAlgorithm;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;

use super::Failure;

/// What the next proof of possession has to carry (RFC 9449 section 8).
pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The body of every refusal.
#[derive(Serialize, ToSchema)]
pub struct Envelope<'a> {
    error: Members<'a>,
}

/// What is wrong, why, and where to read more.
#[derive(Serialize, ToSchema)]
struct Members<'a> {
    /// One of a few words by which programs branch.
    #[schema(example = "FORBIDDEN")]
    code: &'a str,
    /// A sentence for people.
    #[schema(example = "This key lacks write:leads.")]
    message: &'a str,
    /// The exact reason.
    #[schema(example = "insufficient_scope")]
    reason: &'a str,
    /// The request, by which it can be found again.
    #[schema(value_type = String, example = "req_01jnwz3c8k0000000000000000")]
    request_id: RequestId,
    /// What the reason means and what to do.
    docs_url: String,
    /// Problems by member of the body or query.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: &'a BTreeMap<String, String>,
    /// The scopes that would be needed.
    #[serde(skip_serializing_if = "slice_is_empty")]
    required_scopes: &'a [String],
}

fn slice_is_empty(slice: &&[String]) -> bool {
    slice.is_empty()
}

/// Renders a failure.
pub fn render(failure: &Failure, request_id: RequestId, public_url: &str) -> Response {
    let refusal = failure.reason.refusal();
    let envelope = Envelope {
        error: Members {
            code: refusal.code,
            message: &failure.message,
            reason: refusal.name,
            request_id,
            docs_url: format!("{public_url}/docs/errors/{}", refusal.name),
            fields: &failure.fields,
            required_scopes: &failure.required_scopes,
        },
    };
    let body = serde_json::to_vec(&envelope).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = failure.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    add_headers(headers, failure);
    response
}

/// What HTTP says beside the body: the challenge (RFC 6750 section 3) and when to come back.
pub fn add_headers(headers: &mut HeaderMap, failure: &Failure) {
    // Both schemes are taken; what is said of the proof comes first.
    for challenge in [proof_challenge(failure), challenge(failure)] {
        if let Some(Ok(value)) = challenge.map(HeaderValue::try_from) {
            headers.append(WWW_AUTHENTICATE, value);
        }
    }
    let proof = failure.proof.as_ref();
    if let Some(Ok(nonce)) = proof.and_then(|proof| proof.nonce.as_deref().map(str::parse)) {
        headers.insert(DPOP_NONCE, nonce);
    }
    if let Some(seconds) = failure.retry_after_seconds {
        headers.insert(RETRY_AFTER, seconds.into());
    }
}

fn proof_challenge(failure: &Failure) -> Option<String> {
    let error = failure.proof.as_ref()?.error;
    let algorithms = ClientAlgorithm::NAMES.join(" ");
    Some(format!("DPoP error=\"{error}\", algs=\"{algorithms}\""))
}

fn challenge(failure: &Failure) -> Option<String> {
    let mut parameters = Vec::new();
    match failure.reason {
        // Without a credential there is nothing to call wrong (RFC 6750 section 3.1).
        Reason::CredentialMissing => {}
        Reason::InsufficientScope => {
            parameters.push("error=\"insufficient_scope\"".to_owned());
            parameters.push(format!("scope=\"{}\"", failure.required_scopes.join(" ")));
        }
        Reason::Malformed if failure.is_of_credential => {
            parameters.push("error=\"invalid_request\"".to_owned());
        }
        reason if reason.refusal().status == 401 => {
            parameters.push("error=\"invalid_token\"".to_owned());
        }
        _ => return None,
    }
    let metadata = failure.resource_metadata.as_ref();
    parameters.extend(metadata.map(|url| format!("resource_metadata=\"{url}\"")));
    let challenge = format!("Bearer {}", parameters.join(", "));
    Some(challenge.trim_end().to_owned())
}
