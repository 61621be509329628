//! Grants: what users allow apps to do.

mod give;

pub(crate) use give::{Consent, give};

use claviger_model::grants::Grant;
use serde_json::{Value, json};

/// The members of a grant that an audit event tells of.
fn audited(grant: &Grant) -> Value {
    json!({
        "client_id": grant.client_id,
        "user_id": grant.user_id,
        "scopes": grant.scopes,
    })
}
