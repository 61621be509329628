//! The decision, from the outside: an index, a request, an answer.
#![cfg(test)]

mod allocation;
mod checks;
mod client_keys;
mod forgeries;
mod issuer;
mod jose;
mod limiter;
mod possession;
mod proofs;
mod support;
mod token_clients;
mod token_ends;
mod token_text;
mod token_users;
mod token_uses;
