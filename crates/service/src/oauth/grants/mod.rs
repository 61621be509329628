//! The ways to a token, one file each.

pub(super) mod client_credentials;
