//! Users: what concerns a person in every account alike.

mod change_password;
mod names;
mod rename;
mod suspend;

pub use change_password::change_password;
pub use names::{actor_names, makers, names, told};
pub use rename::rename;
pub use suspend::{activate, suspend};
