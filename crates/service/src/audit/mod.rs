//! The audit log: who did what to which thing, and whether it is still as it was written.

mod actors;
mod check;
mod list;

pub use actors::actor_of;
pub use check::{ChainReport, check};
pub use list::{AuditFilter, AuditPage, EventView, chain, page};
