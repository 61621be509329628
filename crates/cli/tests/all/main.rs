//! The program as people and scripts meet it: the real binary, its screens, and its servers.
#![cfg(test)]
#![expect(
    clippy::panic,
    reason = "what a helper of a test cannot do, fails the test"
)]

mod audit;
mod backups;
mod clients;
mod cluster;
mod commands;
mod crashes;
mod dev;
mod directory;
mod disk_full;
mod documents;
mod example_app;
mod floods;
mod foreign;
mod foreign_apps;
mod foreign_oauth2;
mod foreign_oauth2_app;
mod grants;
mod http;
mod hygiene;
mod imports;
mod legacy_keys;
mod mails;
mod memory;
mod oauth;
mod pages;
mod person;
mod portal;
mod profiles;
mod program;
mod refusals;
mod restart;
mod rotation;
mod sandbox;
mod screens;
mod serve;
mod signing_keys;
mod small_disk;
mod storm;
mod upgrade;
mod usage;
mod verify;
mod webhooks;
