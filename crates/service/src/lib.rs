//! What Claviger does: each use case authorizes, decides, writes, audits and announces the change.
//!
//! Law: use cases only. No HTTP, no SQL; the clock and the random generator live in [`sources`]
//! alone, and no use case runs without the permission that it takes as a value.

pub mod access;
pub mod accounts;
pub mod actor;
pub mod app;
pub mod config;
pub mod decisions;
pub mod demo;
pub mod error;
pub mod idempotency;
pub mod invitations;
pub mod keys;
pub mod members;
pub mod operators;
mod passwords;
pub mod propagation;
pub mod roles;
pub mod sessions;
pub mod settings;
pub mod sources;
pub mod users;

pub use actor::{Actor, Caller};
pub use app::App;
pub use error::Error;
