//! Grants: what users allow apps to do.
//!
//! A grant ends for good. Its tokens are refused when its end has reached every node, and the
//! refresh tokens that came of it get nothing more. What a role loses ends nothing: it is looked at
//! again at each use.

mod end;
mod end_where;
mod give;
mod list;

pub(crate) use end::end_in;
pub use end::{end, end_all_of};
pub(crate) use end_where::{end_of_clients, end_where};
pub(crate) use give::{Consent, give};
pub use list::{GrantFilter, GrantPage, GrantedScope, NamedGrant, list, show};

use claviger_model::grants::Grant;
use serde_json::{Value, json};

/// The members of a grant that an audit event tells of.
fn audited(grant: &Grant) -> Value {
    let (ended_at, cause) = grant.ended.unzip();
    json!({
        "client_id": grant.client_id,
        "user_id": grant.user_id,
        "scopes": grant.scopes,
        "ended_at": ended_at,
        "ended_by": cause.map(claviger_model::grants::GrantEnd::as_str),
    })
}
