//! The decision: may this request pass, and for whom?
//!
//! Law: an index of what is live plus a request gives a [`Decision`]. Synchronous, no I/O, no
//! clock, no lock held across a call, no heap allocation for an allowed API key; usable in another
//! company's process.

pub mod apis;
pub mod checks;
mod clients;
mod decide;
mod decision;
pub mod entries;
pub mod freshness;
mod identify;
pub mod imported;
pub mod index;
pub mod jose;
mod keys;
pub mod limits;
mod origins;
pub mod possession;
mod request;
pub mod routes;
pub mod scopes;
pub mod tokens;

pub use clients::{ClientLogin, ClientRefusal, TokenFacts};
pub use decide::Verifier;
pub use decision::{Decision, Note};
pub use freshness::{Freshness, Now};
pub use identify::NotIdentified;
pub use index::{Index, KeyFilling};
pub use keys::ResidentKey;
pub use request::{Request, Target};
pub use tokens::VerifyingKey;
