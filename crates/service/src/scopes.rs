//! The catalogue of scopes: what the APIs of the instance offer to credentials.

use claviger_model::Environment;
use claviger_model::scopes::ScopeName;

use crate::app::App;

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
