//! The environments of an account: which addresses each has, how its credentials begin and how
//! many there are.

use claviger_model::Environment;
use claviger_store::credential_counts::{self, CredentialCounts};

use crate::actor::Place;
use crate::app::App;
use crate::error::Error;

/// One environment, as its account sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EnvironmentFacts {
    /// Which one.
    pub environment: Environment,
    /// The APIs, in the order in which they were made.
    pub apis: Vec<ReachedApi>,
    /// How new API keys begin.
    pub key_prefix: String,
    /// How new secrets of clients begin.
    pub client_secret_prefix: String,
    /// How many credentials the account has there.
    pub counts: CredentialCounts,
}

/// An API in one environment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReachedApi {
    /// What it is called.
    pub name: String,
    /// Its base URL there, if it has one.
    pub base_url: Option<String>,
}

/// Both environments of the account in which somebody acts, live first. For every member.
pub async fn facts(app: &App, place: &Place) -> Result<Vec<EnvironmentFacts>, Error> {
    let mut reader = app.read().await?;
    let mut found = Vec::new();
    for environment in Environment::ALL {
        let counted = credential_counts::in_environment(&mut reader, place.account_id, environment);
        let counts = counted.await?;
        found.push(of(app, environment, counts));
    }
    Ok(found)
}

fn of(app: &App, environment: Environment, counts: CredentialCounts) -> EnvironmentFacts {
    let index = app.verifier().index();
    let known = index.apis();
    let apis = known.all().iter().map(|api| {
        let url = match environment {
            Environment::Live => &api.live_url,
            Environment::Test => &api.sandbox_url,
        };
        ReachedApi {
            name: api.name.to_string(),
            base_url: url.as_ref().map(ToString::to_string),
        }
    });
    let prefixes = &app.settings().prefixes;
    EnvironmentFacts {
        environment,
        apis: apis.collect(),
        key_prefix: prefixes.key(environment).to_owned(),
        client_secret_prefix: prefixes.client_secret(environment).to_owned(),
        counts,
    }
}
