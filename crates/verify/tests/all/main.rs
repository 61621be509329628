//! The decision, from the outside: an index, a request, an answer.
#![cfg(test)]

mod allocation;
mod checks;
mod issuer;
mod support;
mod token_uses;
