//! SQL, written once for SQLite and PostgreSQL: one module per table, one that knows the dialects.
//!
//! Law: everything that touches the database is here, and nothing else is. `db` is the one place
//! that names a driver; every other statement is a static literal in the portable subset. Rows
//! that grant power are sealed when written and checked when read.

pub mod accounts;
pub mod apis;
pub mod audit;
pub mod audit_checkpoints;
pub mod authorization_codes;
pub mod authorization_failures;
pub mod clients;
pub mod credential_counts;
pub mod db;
pub mod decisions;
pub mod demo_records;
pub mod devices;
mod error;
pub mod grants;
pub mod idempotency;
pub mod imports;
pub mod invitations;
pub mod keys;
pub mod ledger;
pub mod legacy_keys;
pub mod mails;
pub mod members;
pub mod nodes;
pub mod operators;
pub mod outbox;
pub mod principals;
pub mod pushed_requests;
pub mod recovery;
pub mod refresh_tokens;
pub mod reminders;
pub mod revoked_tokens;
pub mod roles;
pub mod rotations;
mod rows;
pub mod sandbox_resets;
pub mod secret_uses;
pub mod session_origins;
pub mod sessions;
pub mod settings;
pub mod signing_keys;
pub mod spent_identifiers;
#[cfg(feature = "testing")]
pub mod testing;
pub mod token_counts;
pub mod token_ends;
pub mod token_families;
pub mod token_family_uses;
pub mod token_floors;
pub mod usage;
pub mod user_profiles;
pub mod users;
pub mod webhook_deliveries;
pub mod webhooks;

pub use db::{
    Ballast, Committed, Condition, Conn, Db, Journal, JournalEntry, JournalRead, Location, Reader,
    Reminder, Replayed, Thing, Tx, check_integrity,
};
pub use error::{Cause, StoreError};
pub use rows::{BadRow, Walk};
