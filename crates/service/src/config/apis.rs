//! The APIs that a file declares: what its table has checked becomes what `POST /v1/apis` takes,
//! under the same rules.

use claviger_model::Environment;
use claviger_model::apis::{ApiDraft, ApiSpec, RouteDraft, ScopeDraft};
use serde::Deserialize;

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct DeclaredApi {
    name: Option<String>,
    audience: Option<String>,
    scopes: Option<Vec<DeclaredScope>>,
    routes: Option<Vec<DeclaredRoute>>,
    accepts: Option<Vec<String>>,
    token_lifetime_seconds: Option<u32>,
    signing_algorithm: Option<String>,
    live_url: Option<String>,
    sandbox_url: Option<String>,
    unmatched: Option<String>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
struct DeclaredScope {
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    sensitive: bool,
    implies_all: Option<bool>,
    environments: Option<Vec<Environment>>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
struct DeclaredRoute {
    #[serde(default)]
    method: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    scopes: Vec<String>,
}

/// What is wrong with the APIs of a file: members such as `apis[0].scopes[1].name`, and sentences.
pub(super) fn problems(declared: &[ApiDraft]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (index, draft) in declared.iter().enumerate() {
        if let Err(problems) = ApiSpec::create(draft.clone()) {
            let named = |(member, sentence): (&String, &String)| {
                (format!("apis[{index}].{member}"), sentence.clone())
            };
            found.extend(problems.members().iter().map(named));
        }
        let is_same = |earlier: &&ApiDraft| earlier.audience == draft.audience;
        if draft.audience.is_some() && declared[..index].iter().any(|d| is_same(&d)) {
            found.push((format!("apis[{index}].audience"), "stands twice".to_owned()));
        }
    }
    found
}

/// A member of what `member` is in, up to the API itself: where to look for a place.
pub(super) fn around(member: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(member), |inner| {
        inner.rfind(['.', '[']).map(|at| &inner[..at])
    })
}

impl From<&DeclaredApi> for ApiDraft {
    fn from(api: &DeclaredApi) -> Self {
        let scopes = |scopes: &Vec<DeclaredScope>| scopes.iter().map(ScopeDraft::from).collect();
        let routes = |routes: &Vec<DeclaredRoute>| routes.iter().map(RouteDraft::from).collect();
        Self {
            name: api.name.clone(),
            audience: api.audience.clone(),
            scopes: api.scopes.as_ref().map(scopes),
            routes: api.routes.as_ref().map(routes),
            accepts: api.accepts.clone(),
            token_lifetime_seconds: api.token_lifetime_seconds.map(Some),
            signing_algorithm: api.signing_algorithm.clone(),
            live_url: api.live_url.clone().map(Some),
            sandbox_url: api.sandbox_url.clone().map(Some),
            unmatched: api.unmatched.clone(),
        }
    }
}

impl From<&DeclaredScope> for ScopeDraft {
    fn from(scope: &DeclaredScope) -> Self {
        Self {
            name: scope.name.clone(),
            description: scope.description.clone(),
            sensitive: scope.sensitive,
            implies_all: scope.implies_all,
            environments: scope.environments.clone(),
        }
    }
}

impl From<&DeclaredRoute> for RouteDraft {
    fn from(route: &DeclaredRoute) -> Self {
        Self {
            method: route.method.clone(),
            path: route.path.clone(),
            scopes: route.scopes.clone(),
        }
    }
}
