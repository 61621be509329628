//! Backups of a SQLite database: one encrypted file, made while the server runs, and the way back.
//!
//! What comes back from a backup lacks what was done since, revocations among it. So a restored
//! database is sealed ([`Seal`]): nothing is decided and nothing changed until an operator has seen
//! what comes back ([`unseal`]).

mod chain;
mod create;
mod file;
mod restore;
mod seal;
mod unseal;

use serde::Serialize;

pub use create::{BackupReport, create};
pub use restore::{RestoreReport, Restoring, restore};
pub use seal::{Seal, Why, state};
pub(crate) use seal::{find_at_start, is_still_sealed};
pub use unseal::{Come, JournalChoice, Opened, Plan, plan, unseal};

use crate::error::Error;

/// What is said about a backup of PostgreSQL.
const POSTGRES: &str = "This instance keeps its data in PostgreSQL, which has its own backups.";

/// Refuses what only a database of this machine can.
fn sqlite_only(is_sqlite: bool) -> Result<(), Error> {
    if is_sqlite {
        Ok(())
    } else {
        Err(Error::conflict(POSTGRES))
    }
}

/// What a backup is from, as it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Point {
    /// The recovery point, in Unix milliseconds: what was answered before is in it.
    pub at: i64,
    /// The epoch of its last change.
    pub epoch: i64,
    /// How many events its audit log has.
    pub audit_events: i64,
    /// The hash of the last one, in hexadecimal.
    pub audit_head: String,
    /// The version of the master key that it needs.
    pub master_key: u8,
    /// The latest migration of its schema.
    pub schema: String,
}

impl From<&claviger_model::backup::Head> for Point {
    fn from(head: &claviger_model::backup::Head) -> Self {
        Self {
            at: head.at.0,
            epoch: head.epoch,
            audit_events: head.audit_events,
            audit_head: head.audit_head.clone(),
            master_key: head.master_key,
            schema: head.schema.clone(),
        }
    }
}
