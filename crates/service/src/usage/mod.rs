//! Usage: every decision counted, by account, credential, secret, API, route, environment, outcome
//! and time, and what became last of each secret.

mod exercised;
mod forget;
mod portion;
mod query;
mod ranking;
mod recorder;
mod slots;

pub use exercised::{Exercised, ScopeUse, of_client, of_key};
pub use forget::{forget_old, forget_test};
pub(crate) use query::flush;
pub use query::{
    By, Counts, Group, Usage, UsageQuery, UsageRow, count, count_each, of_days, of_secrets,
};
pub(crate) use ranking::Rankings;
pub use ranking::{Most, Ranking, rank};
pub use recorder::UsageRecorder;
pub use slots::Where;
