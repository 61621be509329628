//! The shapes of an API in requests and answers.

use claviger_model::apis::{
    Api as Stored, ApiDraft, BaseUrl, RouteDraft, ScopeDraft, SigningAlgorithm, Unmatched,
};
use claviger_model::credentials::CredentialKind;
use claviger_model::ids::ApiId;
use claviger_model::routes::Route;
use claviger_model::scopes::{Scope, ScopeName};
use claviger_model::{Environment, UnixMillis};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::present;

/// A resource server.
#[derive(Serialize, ToSchema)]
pub struct Api {
    /// Its id.
    #[schema(value_type = String, example = "api_01jnwz3c8k0000000000000000")]
    id: ApiId,
    /// Its name.
    #[schema(example = "Acme API")]
    name: String,
    /// What names it in a verification.
    #[schema(example = "https://api.acme.test")]
    audience: String,
    /// What it offers.
    #[schema(value_type = Vec<ScopeBody>)]
    scopes: Vec<Scope>,
    /// Which scopes its routes ask for.
    #[schema(value_type = Vec<RouteBody>)]
    routes: Vec<Route>,
    /// The kinds of credential that it takes.
    #[schema(value_type = Vec<String>, example = json!(["api_key"]))]
    accepts: Vec<CredentialKind>,
    /// How long its access tokens live; null for as long as the instance's.
    token_lifetime_seconds: Option<u32>,
    /// How its access tokens are signed.
    #[schema(value_type = String, example = "ES256")]
    signing_algorithm: SigningAlgorithm,
    /// The base URL of live data.
    #[schema(value_type = Option<String>)]
    live_url: Option<BaseUrl>,
    /// The base URL of test data.
    #[schema(value_type = Option<String>)]
    sandbox_url: Option<BaseUrl>,
    /// What happens to a request that matches no route: `refuse` or `allow`.
    #[schema(value_type = String, example = "refuse")]
    unmatched: Unmatched,
    /// Whether a verification that names no API means this one.
    default: bool,
    /// When it was made, in Unix milliseconds.
    #[schema(value_type = i64)]
    created_at: UnixMillis,
}

/// An API, or what is to change about one: absent members stay, null ones go back to their
/// default.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiBody {
    /// Its name; required for a new one.
    #[schema(example = "Acme API")]
    name: Option<String>,
    /// What names it in a verification; required for a new one.
    #[schema(example = "https://api.acme.test")]
    audience: Option<String>,
    /// What it offers.
    scopes: Option<Vec<ScopeBody>>,
    /// Which scopes its routes ask for.
    routes: Option<Vec<RouteBody>>,
    /// Of `api_key`, `legacy_key`, `access_token` and `session`; `api_key` and `access_token` for
    /// a new one that does not say.
    accepts: Option<Vec<String>>,
    /// How long its access tokens live.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    token_lifetime_seconds: Option<Option<u32>>,
    /// `ES256`, `RS256` or `EdDSA`.
    signing_algorithm: Option<String>,
    /// The base URL of live data, by which gateways find the API.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    live_url: Option<Option<String>>,
    /// The base URL of test data.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    sandbox_url: Option<Option<String>>,
    /// What happens to a request that matches no route: `refuse` or `allow`.
    unmatched: Option<String>,
}

/// A scope of an API.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeBody {
    /// Its name.
    #[schema(example = "read:leads")]
    name: String,
    /// The sentence that pages show beside it.
    #[serde(default)]
    #[schema(example = "See leads.")]
    description: String,
    /// Whether pages warn of it.
    #[serde(default)]
    sensitive: bool,
    /// Whether it stands for every scope; only `admin` does when absent.
    implies_all: Option<bool>,
    /// In which environments a credential may hold it; both when absent, for `admin` live alone.
    #[schema(value_type = Option<Vec<String>>)]
    environments: Option<Vec<Environment>>,
}

/// A route of an API.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteBody {
    /// The method in capitals, or `*` for every one.
    #[schema(example = "GET")]
    method: String,
    /// A path with `{name}` for one segment and a final `*` for the rest.
    #[schema(example = "/v1/leads/{id}")]
    path: String,
    /// The scopes that it asks for, all of them; none: any live credential passes.
    #[serde(default)]
    #[schema(example = json!(["read:leads"]))]
    scopes: Vec<String>,
}

/// An API after an import, and what the import did.
#[derive(Serialize, ToSchema)]
pub struct Imported {
    /// The API.
    #[serde(flatten)]
    api: Api,
    /// What the import did.
    import: Import,
}

/// What an import did.
#[derive(Serialize, ToSchema)]
struct Import {
    /// How many routes the API has now.
    routes: usize,
    /// How many of them ask for no scope.
    routes_without_scopes: usize,
    /// The scopes that the API did not offer before.
    #[schema(value_type = Vec<String>)]
    added_scopes: Vec<ScopeName>,
    /// What every path was put behind.
    base_path: String,
    /// What the document says and routes cannot.
    notes: Vec<String>,
}

impl From<Stored> for Api {
    fn from(api: Stored) -> Self {
        let spec = api.spec;
        Self {
            id: api.id,
            name: spec.name,
            audience: spec.audience,
            scopes: spec.scopes,
            routes: spec.routes,
            accepts: spec.accepts,
            token_lifetime_seconds: spec.token_lifetime_seconds,
            signing_algorithm: spec.signing_algorithm,
            live_url: spec.live_url,
            sandbox_url: spec.sandbox_url,
            unmatched: spec.unmatched,
            default: api.is_default,
            created_at: api.created_at,
        }
    }
}

impl From<claviger_service::apis::Imported> for Imported {
    fn from(imported: claviger_service::apis::Imported) -> Self {
        let summary = imported.summary;
        Self {
            api: imported.api.into(),
            import: Import {
                routes: summary.routes,
                routes_without_scopes: summary.routes_without_scopes,
                added_scopes: summary.added_scopes,
                base_path: summary.base_path,
                notes: summary.notes,
            },
        }
    }
}

impl From<ApiBody> for ApiDraft {
    fn from(body: ApiBody) -> Self {
        let scopes = |scopes: Vec<ScopeBody>| scopes.into_iter().map(ScopeDraft::from).collect();
        let routes = |routes: Vec<RouteBody>| routes.into_iter().map(RouteDraft::from).collect();
        Self {
            name: body.name,
            audience: body.audience,
            scopes: body.scopes.map(scopes),
            routes: body.routes.map(routes),
            accepts: body.accepts,
            token_lifetime_seconds: body.token_lifetime_seconds,
            signing_algorithm: body.signing_algorithm,
            live_url: body.live_url,
            sandbox_url: body.sandbox_url,
            unmatched: body.unmatched,
        }
    }
}

impl From<ScopeBody> for ScopeDraft {
    fn from(body: ScopeBody) -> Self {
        Self {
            name: body.name,
            description: body.description,
            sensitive: body.sensitive,
            implies_all: body.implies_all,
            environments: body.environments,
        }
    }
}

impl From<RouteBody> for RouteDraft {
    fn from(body: RouteBody) -> Self {
        Self {
            method: body.method,
            path: body.path,
            scopes: body.scopes,
        }
    }
}
