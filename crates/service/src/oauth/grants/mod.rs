//! The ways to a token, one file each, and what those that act for users have in common.

pub(super) mod authorization_code;
pub(super) mod client_credentials;
pub(super) mod device_code;
pub(super) mod refresh_token;
