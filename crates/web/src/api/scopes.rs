//! `GET /v1/scopes`: what credentials can be given, for everybody who signed in.

use axum::extract::State;
use claviger_model::Environment;
use claviger_model::scopes::ScopeName;
use claviger_service::scopes;
use serde::Serialize;
use utoipa::ToSchema;

use super::Page;
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::Session;
use crate::state::Web;

/// A scope that some API offers.
#[derive(Serialize, ToSchema)]
pub struct OfferedScope {
    /// Its name.
    #[schema(value_type = String, example = "read:leads")]
    name: ScopeName,
    /// What it allows, in a sentence.
    #[schema(example = "See leads.")]
    description: String,
    /// Whether to think twice before giving it.
    sensitive: bool,
    /// Whether it stands for every scope.
    implies_all: bool,
    /// In which environments a credential may hold it.
    #[schema(value_type = Vec<String>, example = json!(["live", "test"]))]
    environments: Vec<Environment>,
    /// The audiences of the APIs that offer it.
    #[schema(example = json!(["https://api.acme.test"]))]
    apis: Vec<String>,
}

/// List scopes
///
/// Those of every API, with what they allow.
#[utoipa::path(get, path = "/v1/scopes", operation_id = "list_scopes",
    tag = "keys", security(("session" = [])),
    responses((status = 200, body = Page<OfferedScope>), (status = 401, body = Envelope)))]
pub async fn list(
    State(web): State<Web>,
    Session(_): Session,
) -> Result<axum::Json<Page<OfferedScope>>, Failure> {
    let offered = scopes::list(web.app());
    let data = offered.into_iter().map(OfferedScope::from).collect();
    Ok(axum::Json(Page::new(data, None)))
}

impl From<scopes::OfferedScope> for OfferedScope {
    fn from(scope: scopes::OfferedScope) -> Self {
        Self {
            name: scope.name,
            description: scope.description,
            sensitive: scope.sensitive,
            implies_all: scope.implies_all,
            environments: scope.environments,
            apis: scope.audiences,
        }
    }
}
