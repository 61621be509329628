//! The nouns of Claviger, their rules and their state transitions.
//!
//! Law: no async, no SQL, no HTTP, no clock and no randomness. Time, identifiers and random bytes
//! arrive as values, so that every rule here is a pure function that a test can call.

pub mod accounts;
pub mod apis;
pub mod audit;
pub mod backup;
pub mod changes;
pub mod clients;
pub mod codes;
pub mod colours;
pub mod credentials;
pub mod devices;
pub mod environment;
pub mod grants;
pub mod ids;
pub mod imports;
pub mod keyring;
pub mod keys;
pub mod legacy_keys;
pub mod limits;
pub mod management;
pub mod members;
pub mod passwords;
pub mod problems;
pub mod pushed_requests;
pub mod reasons;
pub mod redirect_uris;
pub mod refresh;
pub mod revocations;
pub mod roles;
pub mod rotations;
pub mod routes;
pub mod scopes;
pub mod seal;
pub mod secret;
pub mod secret_uses;
pub mod sessions;
pub mod signing_keys;
pub mod text;
pub mod time;
pub mod tokens;
pub mod usage;
pub mod webhooks;

pub use environment::Environment;
pub use problems::Problems;
pub use reasons::Reason;
pub use time::UnixMillis;
