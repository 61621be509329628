//! Users: what concerns a person in every account alike.

mod change_password;
mod suspend;

pub use change_password::change_password;
pub use suspend::{activate, suspend};
