//! APIs: the resource servers that the operator offers.

mod create;
mod declare;
mod delete;
mod edit;
mod import;
mod list;
mod openapi;

use claviger_model::apis::Api;
use claviger_model::ids::ApiId;
use claviger_store::{Conn, StoreError, apis};
use serde_json::{Value, json};

pub use create::create;
pub use declare::{Declared, declare};
pub use delete::delete;
pub use edit::edit;
pub use import::{ImportSummary, Imported, import};
pub use list::{list, name_of, offered_kinds, show};

use crate::error::Error;

async fn find(conn: &mut Conn, id: ApiId) -> Result<Api, Error> {
    apis::get(conn, id)
        .await?
        .ok_or_else(|| Error::not_found("API"))
}

/// What a refused write means to the caller.
fn write_error(error: StoreError, audience: &str) -> Error {
    match error {
        StoreError::Conflict { constraint } if constraint == "apis.audience" => {
            Error::conflict(format!("Another API has the audience {audience} already."))
        }
        // Two first ones at once: each wanted to be the default.
        StoreError::Conflict { constraint } if constraint == "apis.is_default" => {
            Error::conflict("Another API was made at the same time. Try again.")
        }
        other => other.into(),
    }
}

/// The members of an API that an audit event tells of.
fn audited(api: &Api) -> Value {
    let spec = &api.spec;
    json!({
        "name": spec.name,
        "audience": spec.audience,
        "scopes": spec.scopes,
        "routes": spec.routes,
        "accepts": spec.accepts,
        "token_lifetime_seconds": spec.token_lifetime_seconds,
        "signing_algorithm": spec.signing_algorithm,
        "live_url": spec.live_url,
        "sandbox_url": spec.sandbox_url,
        "unmatched": spec.unmatched,
    })
}

/// Reads an OpenAPI document and keeps nothing; the paths of its routes behind `base_path`.
///
/// # Errors
/// What is wrong with it.
#[cfg(feature = "testing")]
pub fn readable_routes(
    document: &serde_json::Value,
    base_path: &str,
) -> Result<Vec<String>, claviger_model::Problems> {
    let document = openapi::Document::read(document)?;
    let routes = document.routes(base_path).into_iter();
    Ok(routes.map(|route| route.path).collect())
}
