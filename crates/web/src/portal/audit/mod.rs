//! The audit log: who changed what.

mod difference;
pub mod export;
mod filter;
pub mod list;

/// The path of the list, without the issuer's.
pub(super) const PATH: &str = "/audit";
