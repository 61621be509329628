//! What the instance says of itself to clients: as an authorization server (RFC 8414) and as what
//! stands before its APIs (RFC 9728).

use claviger_model::apis::BaseUrl;
use claviger_model::clients::ClientAuthMethod;
use claviger_model::credentials::CredentialKind;
use claviger_model::management::ManagementScope;
use claviger_verify::apis::ApiEntry;
use claviger_verify::jose::ClientAlgorithm;

use crate::app::App;

/// The ways in which clients may prove who they are here.
pub fn auth_methods(app: &App) -> impl Iterator<Item = ClientAuthMethod> {
    let private_key_jwt = app.settings().oauth.private_key_jwt;
    let is_on = move |method: &ClientAuthMethod| match method {
        ClientAuthMethod::PrivateKeyJwt => private_key_jwt,
        ClientAuthMethod::Basic | ClientAuthMethod::Post | ClientAuthMethod::None => true,
    };
    ClientAuthMethod::ALL.into_iter().filter(is_on)
}

/// How clients may sign what proves who they are (RFC 7523); nothing where none does.
pub fn assertion_algorithms(app: &App) -> Option<[&'static str; 5]> {
    let is_on = app.settings().oauth.private_key_jwt;
    is_on.then_some(ClientAlgorithm::NAMES)
}

/// How proofs of possession may be signed (RFC 9449 section 5.1); nothing where none is taken.
pub fn proof_algorithms(app: &App) -> Option<[&'static str; 5]> {
    app.settings().oauth.dpop.then_some(ClientAlgorithm::NAMES)
}

/// The authorization server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerFacts {
    /// Its issuer.
    pub issuer: String,
    /// Every scope that a client can ask for.
    pub scopes: Vec<String>,
    /// The base URLs of the APIs that take its tokens.
    pub resources: Vec<String>,
}

/// A protected resource.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResourceFacts {
    /// Its identifier.
    pub resource: String,
    /// Its name, for people.
    pub name: String,
    /// The scopes that a client can ask for.
    pub scopes: Vec<String>,
}

/// The authorization server.
pub fn server(app: &App) -> ServerFacts {
    let index = app.verifier().index();
    let apis = index.apis();
    let mut scopes: Vec<String> = Vec::new();
    let mut resources = Vec::new();
    for api in apis.all() {
        for name in scope_names(api) {
            if !scopes.contains(&name) {
                scopes.push(name);
            }
        }
        if takes_tokens(api) {
            let urls = [&api.live_url, &api.sandbox_url];
            resources.extend(urls.into_iter().flatten().map(BaseUrl::to_string));
        }
    }
    if app.settings().management_enabled {
        scopes.extend(management_scopes());
        resources.push(app.settings().public_url.clone());
    }
    ServerFacts {
        issuer: app.settings().public_url.clone(),
        scopes,
        resources,
    }
}

/// The issuer itself as a protected resource, where the management routes take tokens.
pub fn management(app: &App) -> Option<ResourceFacts> {
    let settings = app.settings();
    settings.management_enabled.then(|| ResourceFacts {
        resource: settings.public_url.clone(),
        name: settings.portal.name.clone(),
        scopes: management_scopes().collect(),
    })
}

/// The API whose base URL has this host and exactly this path.
pub fn api(app: &App, host: &str, path: &str) -> Option<ResourceFacts> {
    let index = app.verifier().index();
    let apis = index.apis();
    let is_meant = |url: &&BaseUrl| url.is_of_host(host) && url.path() == path;
    let mut takers = apis.all().iter().filter(|api| takes_tokens(api));
    let (api, url) = takers.find_map(|api| {
        let mut urls = [&api.live_url, &api.sandbox_url].into_iter().flatten();
        urls.find(is_meant).map(|url| (api, url))
    })?;
    Some(ResourceFacts {
        resource: url.to_string(),
        name: api.name.to_string(),
        scopes: scope_names(api).collect(),
    })
}

fn takes_tokens(api: &ApiEntry) -> bool {
    api.accepts(CredentialKind::AccessToken)
}

fn scope_names(api: &ApiEntry) -> impl Iterator<Item = String> {
    api.scopes.iter().map(|scope| scope.name.to_string())
}

fn management_scopes() -> impl Iterator<Item = String> {
    ManagementScope::ALL
        .into_iter()
        .map(|scope| scope.to_string())
}
