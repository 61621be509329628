//! Management tokens: what automation manages keys with.

mod create;
mod list;
mod revoke;

use claviger_model::tokens::ManagementToken;
use serde_json::{Value, json};

pub use create::{ManagementTokenDraft, create};
pub use list::{ManagementTokenPage, list};
pub use revoke::revoke;

/// The members of a token that an audit event tells of.
fn audited(token: &ManagementToken) -> Value {
    json!({
        "name": token.name,
        "scopes": token.scopes,
        "hint": token.stored.hint,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
    })
}
