//! Decisions as evidence: how they are shown, kept for a while, and found again.

mod about;
mod find;
mod forget;
mod record;
mod recorder;
mod trace;
mod view;

pub use about::{About, about};
pub use find::{DecisionFilter, DecisionPage, find, page};
pub(crate) use forget::forget_test;
pub use record::{DecisionRecord, RequestFacts, shown_path};
pub use recorder::Recorder;
pub(crate) use recorder::purge;
pub use trace::{Trace, TracedCheck, TracedCredential};
pub use view::{DecisionView, decision_json};
