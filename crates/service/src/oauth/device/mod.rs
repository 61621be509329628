//! Authorizations that a user gives at another device (RFC 8628).
//!
//! 1. [`begin`]: a device asks, and gets a code for itself and a short one for its user.
//! 2. [`find`], [`next`], [`approve`] and [`deny`]: the user enters the short one somewhere else,
//!    reads what the device asks for, and decides.
//! 3. The device polls at the token endpoint (`grants/device_code.rs`).

mod begin;
mod decide;
mod guesses;

pub use begin::{DeviceCodes, DeviceRequest, VERIFICATION_PATH, begin};
pub use decide::{Asking, CodeError, Place, approve, deny, find, next};
pub(crate) use guesses::Guesses;
