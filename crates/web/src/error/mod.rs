//! What a handler fails with, and how it is told. A failure travels as an extension of its
//! response to the edge of the router, where the request's id and what the client accepts are
//! known; there it gets one of its renderings.

pub mod api;
pub mod oauth;
pub mod page;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use claviger_model::apis::BaseUrl;
use claviger_model::credentials::CredentialKind;
use claviger_model::{Environment, Reason};
use claviger_service::Error;
use claviger_verify::Decision;
use claviger_verify::apis::ApiEntry;
use claviger_verify::possession::{Nonce, Unproven};
use http::StatusCode;

use crate::server::BodyError;

pub use oauth::OAuthFailure;

/// A failure on its way to its rendering.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The row of the table of refusals.
    pub reason: Reason,
    /// The sentence for the caller.
    pub message: String,
    /// Problems by member.
    pub fields: BTreeMap<String, String>,
    /// The scopes that would be needed.
    pub required_scopes: Vec<String>,
    /// When to try again, in seconds.
    pub retry_after_seconds: Option<u32>,
    /// Where a client reads how to get a token for what it asked (RFC 9728 section 5.1).
    pub resource_metadata: Option<String>,
    /// Whether a credential was sent in a way that cannot be understood (RFC 6750 section 3.1).
    pub is_of_credential: bool,
    /// What to say about a proof of possession, if it is that (RFC 9449 section 7.1).
    pub proof: Option<Box<ProofChallenge>>,
}

/// What is said about a proof of possession.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProofChallenge {
    /// The `error` of the challenge.
    pub error: &'static str,
    /// What the next proof has to carry.
    pub nonce: Option<String>,
}

/// The failure in the extensions of its response.
#[derive(Clone)]
pub(crate) enum Carried {
    /// Of everything but the OAuth endpoints.
    Plain(Arc<Failure>),
    /// Of an OAuth endpoint.
    OAuth(Arc<OAuthFailure>),
}

impl Failure {
    /// With the table's own sentence.
    pub fn new(reason: Reason) -> Self {
        Self::because(reason, reason.refusal().message)
    }

    /// With a more exact sentence.
    pub fn because(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            fields: BTreeMap::new(),
            required_scopes: Vec::new(),
            retry_after_seconds: None,
            resource_metadata: None,
            is_of_credential: false,
            proof: None,
        }
    }

    /// More than one proof of possession was sent (RFC 9449 section 4.3).
    pub fn several_proofs() -> Self {
        let message = "Two DPoP headers were sent. Send one.";
        Self {
            proof: Some(Box::new(ProofChallenge {
                error: "invalid_dpop_proof",
                nonce: None,
            })),
            ..Self::because(Reason::InvalidCredential, message)
        }
    }

    /// A credential was sent in a way that cannot be understood, such as two of them.
    pub fn ambiguous(message: impl Into<String>) -> Self {
        Self {
            is_of_credential: true,
            ..Self::because(Reason::Malformed, message)
        }
    }

    /// One member of the body or the query is not acceptable.
    pub fn field(member: &str, sentence: impl Into<String>) -> Self {
        Error::invalid(member, sentence).into()
    }

    /// A refusal by the verifier.
    pub fn refused(decision: &Decision) -> Self {
        let retry = decision
            .rate_limit
            .map(|rate| rate.retry_millis.div_ceil(1_000));
        let retry = match decision.reason {
            Reason::RateLimited => retry.and_then(|seconds| u32::try_from(seconds.max(1)).ok()),
            Reason::Stale => Some(1),
            _ => None,
        };
        Self {
            required_scopes: decision.required_scopes.clone(),
            retry_after_seconds: retry,
            resource_metadata: decision
                .api
                .as_deref()
                .and_then(|api| resource_metadata(api, decision.environment)),
            proof: decision
                .unproven()
                .map(|unproven| ProofChallenge::of(unproven, decision.proof_nonce))
                .map(Box::new),
            ..Self::because(decision.reason, decision.message())
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.reason.refusal().status)
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl ProofChallenge {
    fn of(unproven: Unproven, nonce: Option<Nonce>) -> Self {
        Self {
            error: unproven.error(),
            nonce: nonce.map(|nonce| nonce.to_string()),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        log_cause(&error);
        let mut failure = Self::because(error.reason(), error.to_string());
        failure.retry_after_seconds = error.retry_after_seconds();
        if let Some(problems) = error.problems() {
            failure.fields = problems.members().clone();
        }
        match error {
            Error::Refused {
                required_scopes, ..
            } => failure.required_scopes = required_scopes,
            Error::Unproven { unproven, nonce } => {
                failure.proof = Some(Box::new(ProofChallenge::of(unproven, nonce)));
            }
            _ => {}
        }
        failure
    }
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { bytes_max } => {
                let message =
                    format!("The body is larger than the {bytes_max} bytes allowed here.");
                Self::because(Reason::TooLarge, message)
            }
            BodyError::TooSlow => Self::because(Reason::Malformed, "The body came too slowly."),
            BodyError::Broken => Self::because(
                Reason::Malformed,
                "The body is incomplete or breaks its framing.",
            ),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response
            .extensions_mut()
            .insert(Carried::Plain(Arc::new(self)));
        response
    }
}

/// Where an API that takes access tokens says so, for one environment.
fn resource_metadata(api: &ApiEntry, environment: Environment) -> Option<String> {
    let url = match environment {
        Environment::Live => &api.live_url,
        Environment::Test => &api.sandbox_url,
    };
    let takes_tokens = api.accepts(CredentialKind::AccessToken);
    url.as_ref()
        .filter(|_| takes_tokens)
        .map(BaseUrl::metadata_url)
}

/// Writes what happened inside to the log.
fn log_cause(error: &Error) {
    if let Error::Internal(cause)
    | Error::Later {
        source: Some(cause),
        ..
    } = error
    {
        tracing::error!(cause = %chain(cause.as_ref()), "a use case failed");
    }
}

/// An error and its causes in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        line.push_str(": ");
        line.push_str(&inner.to_string());
        cause = inner.source();
    }
    line
}
