//! Texts that show how a credential is used, with the credential in them.

use claviger_model::Environment;
use claviger_model::scopes::ScopeName;
use claviger_verify::apis::ApiEntry;
use claviger_verify::routes::RouteEntry;

use super::Portal;
use super::once::Sample;

/// How a bearer is used: a request that it may make, and a line for a file of settings.
pub(super) fn bearer(portal: &Portal, bearer: &str, scopes: &[ScopeName]) -> Vec<Sample> {
    vec![
        Sample {
            id: "curl",
            name: "curl",
            text: curl(portal, bearer, scopes),
        },
        Sample {
            id: "env",
            name: ".env",
            text: format!("API_KEY={bearer}"),
        },
    ]
}

/// A request that somebody with these scopes may make, where an API of the instance has one.
pub(super) fn curl(portal: &Portal, bearer: &str, scopes: &[ScopeName]) -> String {
    curl_in(portal, portal.environment, bearer, scopes)
}

/// The same in an environment of which the page is not.
pub(super) fn curl_in(
    portal: &Portal,
    environment: Environment,
    bearer: &str,
    scopes: &[ScopeName],
) -> String {
    let url = url(portal, environment, scopes);
    format!("curl {url} \\\n  -H \"Authorization: Bearer {bearer}\"")
}

fn url(portal: &Portal, environment: Environment, scopes: &[ScopeName]) -> String {
    let index = portal.web.app().verifier().index();
    let apis = index.apis();
    let base = |api: &ApiEntry| match environment {
        Environment::Live => api.live_url.as_ref().map(ToString::to_string),
        Environment::Test => api.sandbox_url.as_ref().map(ToString::to_string),
    };
    let found = apis.all().iter().find_map(|api| {
        let mut routes = api.routes.all().iter();
        let route = routes.find(|route| can_show(route, scopes))?;
        Some(format!("{}{}", base(api)?, route.pattern))
    });
    found.unwrap_or_else(|| "https://the.api.example/path".to_owned())
}

/// Whether a route can be asked as it stands, by somebody with these scopes.
fn can_show(route: &RouteEntry, scopes: &[ScopeName]) -> bool {
    let is_plain = !route.pattern.contains(['{', '*']);
    let is_read = matches!(&*route.method, "GET" | "*");
    is_plain && is_read && route.scopes.iter().all(|scope| scopes.contains(scope))
}
