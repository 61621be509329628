//! How often what was asked for: counts by series and by minute, hour and day. The tables are in
//! the database that [`crate::Db::open_usage`] opens.

mod add;
mod forget;
mod read;

pub use add::{Count, add_counts, add_series, claim_portion};
pub use forget::{forget, forget_series, forget_writers, series_after, series_of};
pub use read::{Of, StepCount, by_series, by_step, credential_days};
