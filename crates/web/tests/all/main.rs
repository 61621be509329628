//! Every route through the real router, on an application with a database of each kind.
#![cfg(test)]

mod accounts;
mod api_keys;
mod apis;
mod apps;
mod audit;
mod authorize;
mod client_automation;
mod clients;
mod decisions;
mod demo;
mod disable;
mod docs;
mod edge;
mod grants;
mod instance;
mod invitations;
mod keys;
mod legacy_key;
mod matrix;
mod members;
mod oauth;
mod offer;
mod operators;
mod own_sessions;
mod password;
mod portal;
mod requests;
mod revocations;
mod roles;
mod scopes;
mod sessions;
mod signing_keys;
mod users;
mod verify;
mod verify_http;
