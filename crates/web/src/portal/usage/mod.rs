//! Usage: how much was asked for, refused and issued. Only what is recorded is shown.

pub mod csv;
pub mod show;
mod span;

/// The path of the page, without the issuer's.
pub(super) const PATH: &str = "/usage";
