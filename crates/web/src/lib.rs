//! Claviger over HTTP: REST, OAuth, gateways, the portal.
//!
//! Law: extract (which authenticates), call one use case, render.

pub mod server;
