//! Legacy keys: generate, show, revert. One of an account is live at most; it reaches everything
//! that takes its kind, and is deprecated.

mod generate;
mod revert;
mod show;

use claviger_model::legacy_keys::LegacyKey;
use serde_json::{Value, json};

pub use generate::{Generated, generate};
pub use revert::revert;
pub(crate) use revert::revert_only;
pub use show::show;

/// The members of a legacy key that an audit event tells of.
fn audited(key: &LegacyKey) -> Value {
    json!({
        "hint": key.stored.hint,
        "state": match key.revoked_at {
            None => "active",
            Some(_) => "revoked",
        },
    })
}
