//! What Claviger does: each use case authorizes, decides, writes, audits and announces the change.
//!
//! Law: use cases only. No HTTP but what [`outbound`] fetches and sends, no SQL; the clock and the
//! random generator live in [`sources`] alone, and no use case runs without the permission that it
//! takes as a value.

pub mod access;
pub mod accounts;
pub mod actor;
pub mod apis;
pub mod app;
pub mod audit;
pub mod backup;
pub mod branding;
pub mod clients;
pub mod config;
pub mod credentials;
pub mod decisions;
pub mod demo;
pub mod environments;
pub mod error;
pub mod grants;
pub mod health;
pub mod idempotency;
pub mod imports;
pub mod invitations;
pub mod jobs;
pub mod keys;
pub mod leaks;
pub mod legacy_keys;
pub mod mail;
pub mod members;
mod network;
pub mod oauth;
pub mod operators;
pub mod outbound;
mod passwords;
pub mod propagation;
pub mod reminders;
pub mod roles;
pub mod sandbox;
pub mod scopes;
pub mod sessions;
pub mod settings;
mod signature;
pub mod signing_keys;
pub mod sources;
pub mod stripes;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tokens;
pub mod usage;
pub mod users;
pub mod uses;
pub mod webhooks;

pub use actor::{Actor, Caller};
pub use app::App;
pub use claviger_store::{Condition, StoreError};
pub use error::Error;
