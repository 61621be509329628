//! The catalogue of scopes: what the APIs of the instance offer to credentials.

use claviger_model::management::ManagementScope;
use claviger_model::scopes::ScopeName;
use claviger_model::{Environment, Problems};
use claviger_verify::apis::Apis;

use crate::app::App;
use crate::error::Error;

/// A scope with what is to be known before it is given to a credential.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OfferedScope {
    /// Its name.
    pub name: ScopeName,
    /// The sentence of the first API that has one for it.
    pub description: String,
    /// Whether an API calls it sensitive.
    pub sensitive: bool,
    /// Whether it stands for every scope.
    pub implies_all: bool,
    /// The environments in which some API takes it.
    pub environments: Vec<Environment>,
    /// The audiences of the APIs that offer it.
    pub audiences: Vec<String>,
}

/// Every scope that some API offers, once, in the order of the APIs.
pub fn list(app: &App) -> Vec<OfferedScope> {
    let index = app.verifier().index();
    let apis = index.apis();
    let mut offered: Vec<OfferedScope> = Vec::new();
    let pairs = apis
        .all()
        .iter()
        .flat_map(|api| api.scopes.iter().map(move |scope| (api, scope)));
    for (api, scope) in pairs {
        let audience = api.audience.to_string();
        let known = offered.iter_mut().find(|known| known.name == scope.name);
        let Some(known) = known else {
            offered.push(OfferedScope {
                name: scope.name.clone(),
                description: scope.description.clone(),
                sensitive: scope.sensitive,
                implies_all: scope.implies_all,
                environments: scope.environments.clone(),
                audiences: vec![audience],
            });
            continue;
        };
        if known.description.is_empty() {
            known.description.clone_from(&scope.description);
        }
        known.sensitive |= scope.sensitive;
        known.implies_all |= scope.implies_all;
        let more = scope
            .environments
            .iter()
            .filter(|one| !known.environments.contains(one));
        known.environments.extend(more.copied().collect::<Vec<_>>());
        known.audiences.push(audience);
    }
    offered
}

/// Refuses scopes that no API offers, or that are not for this environment. `before` are scopes
/// that the credential holds already: what was valid once may stay. Management scopes are for
/// credentials that `can_manage`, where the operator has switched the management routes on.
pub(crate) fn check_offered(
    app: &App,
    scopes: &[ScopeName],
    before: &[ScopeName],
    environment: Environment,
    can_manage: bool,
) -> Result<(), Error> {
    let index = app.verifier().index();
    let apis = index.apis();
    let mut problems = Problems::default();
    for (position, scope) in scopes.iter().enumerate() {
        if before.contains(scope) {
            continue;
        }
        let member = format!("scopes[{position}]");
        let is_management = can_manage && ManagementScope::parse(scope.as_str()).is_some();
        match offered(&apis, scope) {
            Some(environments) if !environments.contains(&environment) => problems.add(
                member,
                format!("is not for {} credentials: {scope}", environment.as_str()),
            ),
            Some(_) => {}
            None if is_management && environment != Environment::Live => problems.add(
                member,
                format!("is a scope of the management routes, which take live tokens: {scope}"),
            ),
            None if is_management && app.settings().management_enabled => {}
            None if is_management => problems.add(
                member,
                format!(
                    "is a scope of the management routes, which are switched off: {scope}. The \
                     operator can allow them with management.enabled"
                ),
            ),
            None => problems.add(member, format!("is no scope of this instance: {scope}")),
        }
    }
    Ok(problems.into_result()?)
}

/// In which environments some API offers a scope; none when no API does.
fn offered(apis: &Apis, name: &ScopeName) -> Option<Vec<Environment>> {
    let scopes = apis.all().iter().flat_map(|api| api.scopes.iter());
    let mut found = scopes.filter(|scope| scope.name == *name).peekable();
    found.peek()?;
    Some(
        found
            .flat_map(|scope| scope.environments.iter().copied())
            .collect(),
    )
}
