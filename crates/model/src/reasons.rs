//! The table of refusals. Every rendering (REST, gateways, command line, pages, documentation)
//! derives from it.

/// Why a request was allowed or refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Reason {
    /// It was allowed.
    Allowed,
    /// The request itself cannot be read.
    Malformed,
    /// Members of the body are not acceptable.
    Validation,
    /// An `Idempotency-Key` was used before with another body.
    IdempotencyMismatch,
    /// No credential was sent.
    CredentialMissing,
    /// Unknown, mistyped, or not matching: all the same from outside.
    InvalidCredential,
    /// Past its end.
    Expired,
    /// Switched off.
    Inactive,
    /// Revoked.
    Revoked,
    /// The account is suspended.
    AccountInactive,
    /// The route takes a session token only.
    SessionRequired,
    /// Lacks a scope.
    InsufficientScope,
    /// The user behind it may not do this any more.
    UserLacksAccess,
    /// A test credential on live data, or the reverse.
    EnvironmentMismatch,
    /// Sent from an address outside its list.
    IpNotAllowed,
    /// The API takes no credential of this kind.
    KindNotAccepted,
    /// The API has no such route.
    RouteUnknown,
    /// No such API.
    UnknownApi,
    /// The role lacks a permission.
    PermissionRequired,
    /// No such thing, or not for this caller to see.
    NotFound,
    /// Against the present state.
    Conflict,
    /// Changed since it was read.
    PreconditionFailed,
    /// The path has no such method.
    MethodNotAllowed,
    /// The body is too large.
    TooLarge,
    /// The body's type is not understood.
    UnsupportedMediaType,
    /// Too many requests in the window.
    RateLimited,
    /// Too many tokens in the day.
    QuotaExhausted,
    /// The node does not know the present state.
    Stale,
    /// The database does not take writes.
    Storage,
    /// The instance waits for its operator after a restore.
    Sealed,
    /// The clock of the server jumped.
    Clock,
    /// A fault of the server.
    Internal,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    /// The `reason` in JSON.
    pub name: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The `code` in JSON.
    pub code: &'static str,
    /// What to say when nothing more exact is known.
    pub message: &'static str,
    /// What the caller can do, for documentation and the command line.
    pub remedy: &'static str,
}

impl Reason {
    /// Every reason, in the order of the table.
    pub const ALL: [Self; 32] = [
        Self::Allowed,
        Self::Malformed,
        Self::Validation,
        Self::IdempotencyMismatch,
        Self::CredentialMissing,
        Self::InvalidCredential,
        Self::Expired,
        Self::Inactive,
        Self::Revoked,
        Self::AccountInactive,
        Self::SessionRequired,
        Self::InsufficientScope,
        Self::UserLacksAccess,
        Self::EnvironmentMismatch,
        Self::IpNotAllowed,
        Self::KindNotAccepted,
        Self::RouteUnknown,
        Self::UnknownApi,
        Self::PermissionRequired,
        Self::NotFound,
        Self::Conflict,
        Self::PreconditionFailed,
        Self::MethodNotAllowed,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::RateLimited,
        Self::QuotaExhausted,
        Self::Stale,
        Self::Storage,
        Self::Sealed,
        Self::Clock,
        Self::Internal,
    ];

    /// Its row.
    pub const fn refusal(self) -> &'static Refusal {
        &TABLE[self as usize]
    }

    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        self.refusal().name
    }

    /// The reason that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

const fn row(
    name: &'static str,
    status: u16,
    code: &'static str,
    message: &'static str,
    remedy: &'static str,
) -> Refusal {
    Refusal {
        name,
        status,
        code,
        message,
        remedy,
    }
}

const INVALID: &str = "INVALID_REQUEST";
const UNAUTHORIZED: &str = "UNAUTHORIZED";
const FORBIDDEN: &str = "FORBIDDEN";

/// In the order of [`Reason::ALL`]; a test holds them together.
static TABLE: [Refusal; 32] = [
    row("allowed", 200, "OK", "Allowed.", "Nothing."),
    row(
        "malformed",
        400,
        INVALID,
        "The request cannot be read.",
        "Send what the documentation of the route shows.",
    ),
    row(
        "validation",
        422,
        INVALID,
        "Some members are not acceptable.",
        "Mend the members that fields names and send it again.",
    ),
    row(
        "idempotency_mismatch",
        422,
        INVALID,
        "This Idempotency-Key was used before with another body.",
        "Use a new Idempotency-Key for every new request.",
    ),
    row(
        "credential_missing",
        401,
        UNAUTHORIZED,
        "No credential was sent.",
        "Send the credential in the header Authorization: Bearer <credential>.",
    ),
    row(
        "invalid_credential",
        401,
        UNAUTHORIZED,
        "Invalid or expired token",
        "Check that the whole credential was copied and that it belongs to this system.",
    ),
    row(
        "expired",
        401,
        UNAUTHORIZED,
        "This credential has expired.",
        "Create a new one, or sign in again.",
    ),
    row(
        "inactive",
        401,
        UNAUTHORIZED,
        "This credential is inactive.",
        "Make it active again, or use another one.",
    ),
    row(
        "revoked",
        401,
        UNAUTHORIZED,
        "This credential was revoked.",
        "Create a new one; a revoked credential never works again.",
    ),
    row(
        "account_inactive",
        401,
        UNAUTHORIZED,
        "The account of this credential is not active.",
        "Ask the operator to make the account active.",
    ),
    row(
        "session_required",
        401,
        UNAUTHORIZED,
        "This needs a session token, not another credential.",
        "Sign in at POST /v1/sessions and send the session token.",
    ),
    row(
        "insufficient_scope",
        403,
        FORBIDDEN,
        "Insufficient permissions",
        "Give the credential the scopes that required_scopes names, or use another one.",
    ),
    row(
        "user_lacks_access",
        403,
        FORBIDDEN,
        "The user behind this credential has no access to this.",
        "Ask an admin of the account for a role that holds it.",
    ),
    row(
        "environment_mismatch",
        403,
        FORBIDDEN,
        "This credential is for the other environment.",
        "Use a live credential for live data and a test credential for the sandbox.",
    ),
    row(
        "ip_not_allowed",
        403,
        FORBIDDEN,
        "This credential may not be used from this address.",
        "Send from an address in allowed_ips, or change that list.",
    ),
    row(
        "kind_not_accepted",
        403,
        FORBIDDEN,
        "This API does not accept this kind of credential.",
        "Use a kind that the API accepts.",
    ),
    row(
        "route_unknown",
        403,
        FORBIDDEN,
        "The API has no such route.",
        "Check method and path; they match exactly.",
    ),
    row(
        "unknown_api",
        403,
        FORBIDDEN,
        "There is no API with this audience.",
        "Name the audience of an API of this instance.",
    ),
    row(
        "permission_required",
        403,
        FORBIDDEN,
        "Your role does not allow this.",
        "Ask an admin of the account, or use an account with that permission.",
    ),
    row(
        "not_found",
        404,
        "NOT_FOUND",
        "There is no such thing here.",
        "Check the path and the id.",
    ),
    row(
        "conflict",
        409,
        "CONFLICT",
        "This is against the present state.",
        "Read the present state and decide again.",
    ),
    row(
        "precondition_failed",
        412,
        "CONFLICT",
        "It was changed since you read it.",
        "Read it again and send the new ETag in If-Match.",
    ),
    row(
        "method_not_allowed",
        405,
        "METHOD_NOT_ALLOWED",
        "This path does not take this method.",
        "Use a method that the Allow header names.",
    ),
    row(
        "too_large",
        413,
        "TOO_LARGE",
        "The request is too large.",
        "Send less at once.",
    ),
    row(
        "unsupported_media_type",
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        "This content type is not understood.",
        "Send Content-Type: application/json.",
    ),
    row(
        "rate_limited",
        429,
        "RATE_LIMITED",
        "Too many requests.",
        "Wait as long as Retry-After says.",
    ),
    row(
        "quota_exhausted",
        429,
        "RATE_LIMITED",
        "The day's tokens are used up.",
        "Keep a token until it expires; wait as long as Retry-After says.",
    ),
    row(
        "stale",
        503,
        "UNAVAILABLE",
        "This node does not know the present state and decides nothing.",
        "Try again after Retry-After seconds.",
    ),
    row(
        "storage",
        503,
        "UNAVAILABLE",
        "The database does not take changes at the moment.",
        "Try again after Retry-After seconds; nothing was done.",
    ),
    row(
        "sealed",
        503,
        "UNAVAILABLE",
        "The instance was brought back from a backup and waits for its operator.",
        "Try again after Retry-After seconds; operators run `claviger unseal`.",
    ),
    row(
        "clock",
        503,
        "UNAVAILABLE",
        "The clock of the server jumped: nothing is issued until it is certain what time it is.",
        "Try again after Retry-After seconds; operators set the clock, or restart the server.",
    ),
    row(
        "internal",
        500,
        "INTERNAL",
        "The server failed.",
        "Try again; tell the operator the request_id if it stays.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_list() {
        for (position, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, position);
            assert_eq!(Reason::parse(reason.as_str()), Some(reason));
        }
        assert_eq!(Reason::Stale.as_str(), "stale");
        assert_eq!(Reason::KindNotAccepted.as_str(), "kind_not_accepted");
        assert_eq!(Reason::QuotaExhausted.refusal().status, 429);
    }
}
