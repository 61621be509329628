//! Usage: every decision counted, by account, credential, secret, API, route, environment, outcome
//! and time, and what became last of each secret.

mod forget;
mod portion;
mod query;
mod recorder;
mod slots;

pub use forget::{forget_old, forget_test};
pub(crate) use query::flush;
pub use query::{By, Counts, Group, Usage, UsageQuery, UsageRow, count};
pub use recorder::UsageRecorder;
pub use slots::Where;
