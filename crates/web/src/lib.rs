//! Claviger over HTTP: REST, gateway adapters, the demo API and the documentation.
//!
//! Law: extract (which authenticates), call one use case, render. No rule lives here.

pub mod api;
pub mod csv;
pub mod demo;
mod deprecation;
pub mod docs;
pub mod error;
mod export;
pub mod extract;
pub mod gateway;
pub mod health;
pub mod metrics;
pub mod oauth;
pub mod pages;
pub mod portal;
mod prefix;
pub mod router;
pub mod server;
pub mod state;

pub use state::{Options, Web};
