//! What the OAuth endpoints refuse with: a word of the standards and a sentence.

use claviger_model::Reason;

use super::QuotaState;
use crate::error::Error;

/// The `error` of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorCode {
    /// The request cannot be understood (RFC 6749 section 5.2).
    InvalidRequest,
    /// The client is not who it says (RFC 6749 section 5.2).
    InvalidClient,
    /// A code or a refresh token that is not good, or not this client's (RFC 6749 section 5.2).
    InvalidGrant,
    /// This client may not have a token in this way (RFC 6749 section 5.2).
    UnauthorizedClient,
    /// Nobody gets a token in this way (RFC 6749 section 5.2).
    UnsupportedGrantType,
    /// A scope that is malformed, unknown or beyond the client's (RFC 6749 section 5.2).
    InvalidScope,
    /// An API that is unknown or not for this client (RFC 8707 section 2).
    InvalidTarget,
    /// The user has not decided yet (RFC 8628 section 3.5).
    AuthorizationPending,
    /// The same, and the device polls too fast (RFC 8628 section 3.5).
    SlowDown,
    /// The device code is over (RFC 8628 section 3.5).
    ExpiredToken,
    /// The user does not allow it (RFC 6749 section 4.1.2.1).
    AccessDenied,
    /// There is no such answer as was asked for (RFC 6749 section 4.1.2.1).
    UnsupportedResponseType,
    /// The user would have to sign in, and may not be asked (OpenID Connect Core 3.1.2.6).
    LoginRequired,
    /// The user would have to agree, and may not be asked (the same).
    ConsentRequired,
    /// The user would have to choose an account, and may not be asked (the same).
    AccountSelectionRequired,
    /// The user would have to be asked something else, and may not be (the same).
    InteractionRequired,
    /// Request objects are not read (RFC 9101 section 6).
    RequestNotSupported,
    /// References to requests are not read (RFC 9101 section 6).
    RequestUriNotSupported,
    /// A proof of possession that is missing or not good (RFC 9449 section 5).
    InvalidDpopProof,
    /// A proof of possession without a nonce of ours (RFC 9449 section 8).
    UseDpopNonce,
    /// A redirect URI that may not be registered (RFC 7591 section 3.2.2).
    InvalidRedirectUri,
    /// Something else that may not be registered (RFC 7591 section 3.2.2).
    InvalidClientMetadata,
    /// The token that manages a registration is none (RFC 7592 section 2.1, RFC 6750 section 3.1).
    InvalidToken,
    /// Too many wrong guesses from one address; our own word, as no standard has one.
    RateLimited,
    /// The tokens of the day are used up; our own word.
    QuotaExhausted,
    /// Not now (RFC 6749 section 4.1.2.1).
    TemporarilyUnavailable,
    /// A fault of ours (RFC 6749 section 4.1.2.1).
    ServerError,
}

impl ErrorCode {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::InteractionRequired => "interaction_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidToken => "invalid_token",
            Self::RateLimited => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }
}

/// Why an OAuth endpoint did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{description}")]
pub struct Refusal {
    /// The word by which programs branch.
    pub code: ErrorCode,
    /// What the client's developer is to change.
    pub description: String,
    /// When to try again, in seconds.
    pub retry_after_seconds: Option<u32>,
    /// Where the client's quota stands, when that is the reason.
    pub quota: Option<QuotaState>,
    /// What the next proof of possession has to carry, when that is what is missing.
    pub dpop_nonce: Option<String>,
    /// What happened inside, for the log.
    #[source]
    pub cause: Option<Box<Error>>,
}

impl Refusal {
    /// Refused with this word and this sentence.
    pub fn because(code: ErrorCode, description: impl Into<String>) -> Self {
        Self {
            code,
            description: description.into(),
            retry_after_seconds: None,
            quota: None,
            dpop_nonce: None,
            cause: None,
        }
    }

    /// Refused because what was sent gives no token (RFC 6749 section 5.2).
    pub(super) fn invalid_grant(description: impl Into<String>) -> Self {
        Self::because(ErrorCode::InvalidGrant, description)
    }

    /// Whether nothing is wrong but the time (RFC 8628 section 3.5).
    pub(super) fn is_waiting(&self) -> bool {
        matches!(
            self.code,
            ErrorCode::AuthorizationPending | ErrorCode::SlowDown
        )
    }

    /// The row of the table of refusals that comes next to it.
    pub(super) fn reason(&self) -> Reason {
        match (&self.cause, self.code) {
            (Some(cause), _) => cause.reason(),
            (None, ErrorCode::InvalidScope) => Reason::InsufficientScope,
            (None, ErrorCode::InvalidTarget) => Reason::UnknownApi,
            (None, ErrorCode::UnauthorizedClient) => Reason::PermissionRequired,
            (None, ErrorCode::QuotaExhausted) => Reason::QuotaExhausted,
            (None, ErrorCode::RateLimited | ErrorCode::SlowDown) => Reason::RateLimited,
            (
                None,
                ErrorCode::InvalidGrant
                | ErrorCode::InvalidClient
                | ErrorCode::InvalidDpopProof
                | ErrorCode::UseDpopNonce,
            ) => Reason::InvalidCredential,
            (None, ErrorCode::AuthorizationPending | ErrorCode::ExpiredToken) => Reason::Expired,
            (None, ErrorCode::TemporarilyUnavailable) => Reason::Stale,
            (None, ErrorCode::ServerError) => Reason::Internal,
            (None, ErrorCode::AccessDenied) => Reason::UserLacksAccess,
            (None, _) => Reason::Malformed,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let code = match error.reason() {
            Reason::Stale
            | Reason::Storage
            | Reason::Sealed
            | Reason::Clock
            | Reason::RateLimited => ErrorCode::TemporarilyUnavailable,
            _ => ErrorCode::ServerError,
        };
        Self {
            retry_after_seconds: error.retry_after_seconds(),
            description: error.to_string(),
            cause: Some(Box::new(error)),
            ..Self::because(code, "")
        }
    }
}
