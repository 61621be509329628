//! Users: what concerns a person in every account alike.

mod change_password;
mod names;
mod suspend;

pub use change_password::change_password;
pub use names::{actor_names, names, told};
pub use suspend::{activate, suspend};
