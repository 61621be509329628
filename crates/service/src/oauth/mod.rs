//! The authorization server: who a client is, what token it gets, and what a token is worth.
//!
//! The standards: RFC 6749 (token endpoint), 8707 (resources), 9068 (access tokens), 7009
//! (revocation), 7662 (introspection), 8414 and 9728 (metadata).

mod client;
pub mod discovery;
mod failures;
mod grants;
mod introspect;
mod quota;
mod refusal;
mod revoke;
mod scopes;
mod targets;
mod token;

pub use client::{Client, ClientCredentials, Source, authenticate};
pub(crate) use failures::Failures;
pub use introspect::{Introspection, introspect};
pub use refusal::{ErrorCode, Refusal};
pub use revoke::revoke;
pub use token::{IssuedToken, TokenRequest, issue};

/// How tokens are obtained (RFC 6749 section 1.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GrantType {
    /// By a client, for itself (RFC 6749 section 4.4).
    ClientCredentials,
}

impl GrantType {
    /// All that the token endpoint takes, and that the metadata lists.
    pub const ALL: [Self; 1] = [Self::ClientCredentials];

    /// The value of `grant_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
        }
    }

    /// The grant type that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == word)
    }
}

/// Where a client's daily quota of tokens stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuotaState {
    /// Tokens in a UTC day.
    pub limit: u32,
    /// Tokens that are left of this day.
    pub remaining: u32,
    /// Seconds until the next UTC day.
    pub reset_seconds: u32,
}
