//! The audit log: who did what to which thing, whether it is still as it was written, and what
//! somebody takes away to check that without us.

mod actors;
mod check;
pub mod checkpoints;
mod export;
pub(crate) mod journal;
mod list;
mod proof;

pub use actors::actor_of;
pub use check::{ChainReport, check};
pub use export::Export;
pub use journal::last_beside;
pub use list::{AuditFilter, AuditPage, EventView, chain, page};
pub use proof::{EventProof, proof};
