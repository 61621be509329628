//! `GET /v1/instance`: what this instance offers, for the portal and for integrations. It says
//! nothing that is not told to every customer, and asks for no sign-in.

use axum::extract::State;
use claviger_model::Environment;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::credentials::CredentialKind;
use claviger_service::settings::{Labels, Prefixes, Settings, TokenSettings};
use claviger_service::{apis, leaks};
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::Web;

/// What an instance offers.
#[derive(Serialize, ToSchema)]
pub struct Instance {
    /// Its name.
    #[schema(example = "Claviger")]
    name: String,
    /// The base URL of the public listener; the issuer of tokens.
    #[schema(example = "https://keys.example.com")]
    public_url: String,
    /// The words of pages and messages, by what they name.
    #[schema(value_type = Object, example = json!({"api_keys": "API Keys", "revert": "Revert"}))]
    labels: Labels,
    /// Its credentials.
    credentials: Credentials,
    /// Its access tokens.
    tokens: Tokens,
}

/// The credentials of an instance.
#[derive(Serialize, ToSchema)]
struct Credentials {
    /// The kinds that some API takes, without those that are not handed out any more.
    #[schema(value_type = Vec<String>, example = json!(["api_key", "access_token", "session"]))]
    kinds: Vec<CredentialKind>,
    /// What new ones start with.
    prefixes: NewPrefixes,
    /// A regular expression for new ones, for scanners of source code.
    #[schema(example = "\\b(ck_live_|ck_test_)[0-9A-Za-z]{48}\\b")]
    pattern: String,
}

/// What new credentials start with; older ones may start otherwise.
#[derive(Serialize, ToSchema)]
struct NewPrefixes {
    /// API keys.
    api_key: ByEnvironment,
    /// The secrets of clients.
    client_secret: ByEnvironment,
    /// Legacy keys.
    #[schema(example = "cl_")]
    legacy_key: String,
}

/// One for each environment.
#[derive(Serialize, ToSchema)]
struct ByEnvironment {
    /// For live data.
    #[schema(example = "ck_live_")]
    live: String,
    /// For test data.
    #[schema(example = "ck_test_")]
    test: String,
}

/// The access tokens of an instance, where client and API say nothing else.
#[derive(Serialize, ToSchema)]
struct Tokens {
    /// How long they live.
    #[schema(example = 3_600)]
    lifetime_seconds: u32,
    /// How many a client gets in a UTC day; null for as many as it asks for.
    per_day: Option<u32>,
    /// Whether more are refused (`enforce`) or only counted (`observe`).
    #[schema(example = "enforce")]
    quota_mode: &'static str,
    /// How tokens for several APIs are signed.
    #[schema(value_type = String, example = "ES256")]
    signing_algorithm: SigningAlgorithm,
}

/// Show the instance
///
/// What it offers and what its operator calls things. Needs no sign-in.
#[utoipa::path(get, path = "/v1/instance", operation_id = "show_instance", tag = "instance",
    responses((status = 200, body = Instance)))]
pub async fn show(State(web): State<Web>) -> axum::Json<Instance> {
    let kinds = apis::offered_kinds(web.app());
    axum::Json(Instance::of(web.app().settings(), kinds))
}

impl Instance {
    fn of(settings: &Settings, kinds: Vec<CredentialKind>) -> Self {
        Self {
            name: settings.portal.name.clone(),
            public_url: settings.public_url.clone(),
            labels: settings.portal.labels.clone(),
            credentials: Credentials {
                kinds,
                prefixes: NewPrefixes::of(&settings.prefixes),
                pattern: leaks::pattern(settings),
            },
            tokens: Tokens::of(&settings.tokens),
        }
    }
}

impl NewPrefixes {
    fn of(prefixes: &Prefixes) -> Self {
        let by_environment = |prefix: &dyn Fn(Environment) -> String| ByEnvironment {
            live: prefix(Environment::Live),
            test: prefix(Environment::Test),
        };
        Self {
            api_key: by_environment(&|of| prefixes.key(of).to_owned()),
            client_secret: by_environment(&|of| prefixes.client_secret(of).to_owned()),
            legacy_key: prefixes.legacy_key.clone(),
        }
    }
}

impl Tokens {
    fn of(tokens: &TokenSettings) -> Self {
        Self {
            lifetime_seconds: tokens.lifetime_seconds,
            per_day: tokens.per_day,
            quota_mode: tokens.quota_mode.as_str(),
            signing_algorithm: tokens.signing_algorithm,
        }
    }
}
