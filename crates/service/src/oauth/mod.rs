//! The authorization server: who a client is, what token it gets, and what a token is worth.
//!
//! The standards: RFC 6749 (token endpoint), 8707 (resources), 9068 (access tokens), 7009
//! (revocation), 7662 (introspection), 8414 and 9728 (metadata).

mod access_tokens;
mod assertion;
pub mod authorize;
mod begun;
mod client;
mod client_keys;
pub mod device;
pub mod discovery;
pub mod documents;
mod dpop;
mod failures;
mod families;
mod grants;
mod introspect;
pub mod par;
mod quota;
mod refusal;
pub mod registration;
mod revoke;
mod scopes;
mod spent;
mod targets;
mod token;
mod user_tokens;

pub(crate) use begun::Begun;
pub use claviger_model::clients::GrantType;
pub use client::{Client, ClientCredentials, ClientProof, Source, authenticate};
pub(crate) use client_keys::KeyCache;
pub use dpop::{SentProof, proof_nonce, prove};
pub(crate) use failures::Failures;
pub(crate) use families::{end_family, leaked_refresh_token};
pub use introspect::{AccessToken, Introspection, RefreshTokenFacts, introspect};
pub use refusal::{ErrorCode, Refusal};
pub use revoke::revoke;
pub use token::{GrantRequest, IssuedToken, TokenRequest, grant_types, issue};

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
