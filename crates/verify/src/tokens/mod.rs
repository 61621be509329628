//! Access tokens: read strictly, verified once, and checked against what is live at each use.
//!
//! Only tokens of this system are taken, so whatever its own issuer never writes is refused: see
//! [`parse`]. A signature is checked once for each token; the [`cache`] remembers it, and every
//! use asks again for all that can change.

pub(crate) mod cache;
pub mod families;
mod jws;
pub(crate) mod keys;
mod recognise;
pub(crate) mod verified;

pub use jws::{Jws, Unreadable, parse};
pub use keys::VerifyingKey;
