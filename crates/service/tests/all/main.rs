//! Use cases, on both databases.
#![expect(
    clippy::unwrap_used,
    reason = "what a helper of a test cannot do, fails the test"
)]

mod accounts;
mod apis;
mod audit;
mod audit_checkpoints;
mod decisions;
mod grants;
mod health;
mod imports;
mod invitations;
mod jobs;
mod letters;
mod members;
mod oauth;
mod outbound;
mod people;
mod reminders;
mod roles;
mod sandbox;
mod sessions;
mod signing_keys;
mod starting;
mod token_support;
mod tokens;
mod uses;
