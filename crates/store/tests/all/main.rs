//! Every function of the store, on both databases.

#![expect(
    clippy::expect_used,
    reason = "what a test cannot go on without fails it"
)]

mod access_tokens;
mod clients;
mod decisions;
mod evidence;
mod instance;
mod journal;
mod keys;
mod legacy_keys;
mod opening;
mod outbox;
mod people;
mod quotas;
mod requests_of_apps;
mod samples;
mod schema;
mod seals;
mod secret_uses;
mod spent_identifiers;
mod tokens;
mod writing;
