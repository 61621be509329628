//! What Claviger does: each use case authorizes, decides, writes, audits and announces the change.
//!
//! Law: use cases only. No HTTP, no SQL; the clock and the random generator live in [`sources`]
//! alone, and no use case runs without the permission that it takes as a value.

pub mod access;
pub mod actor;
pub mod app;
pub mod config;
pub mod decisions;
pub mod demo;
pub mod error;
pub mod idempotency;
pub mod keys;
mod passwords;
pub mod propagation;
pub mod settings;
pub mod sources;

pub use actor::{Actor, Caller};
pub use app::App;
pub use error::Error;
