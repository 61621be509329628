//! The OAuth endpoints: strict requests, and answers as the standards have them. What fails here is
//! told by [`crate::error::oauth`].

pub mod authorize;
pub mod client;
pub(crate) mod cors;
pub mod device;
pub mod introspect;
pub mod jwks;
mod kept;
pub mod metadata;
pub mod par;
pub(crate) mod parameters;
pub(crate) mod quota;
pub mod register;
pub mod request;
pub mod revocations;
pub mod revoke;
pub mod token;

pub use client::ClientRequest;

use crate::pages;

/// Whether a path is of an endpoint whose errors RFC 6749 shapes.
pub(crate) fn is_endpoint(path: &str) -> bool {
    let is_of_programs = path.starts_with("/oauth/") || path.starts_with("/connect/");
    is_of_programs && !pages::is_page(path)
}
