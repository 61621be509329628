//! Which of its scopes a credential needs, by what it did with them.

use std::collections::BTreeMap;

use claviger_model::Reason;
use claviger_model::UnixMillis;
use claviger_model::clients::ClientScopes;
use claviger_model::ids::{ClientId, KeyId};
use claviger_model::scopes::ScopeName;
use claviger_model::time::DAY_MILLIS;
use claviger_model::usage::{Outcome, Step, steps_between};
use claviger_store::usage::{self, Of};
use serde::Serialize;

use super::query::{flush, kept};
use crate::access::KeyAccess;
use crate::app::App;
use crate::error::Error;
use crate::{clients, keys, scopes};

/// How far back is looked: a program that does something once a quarter is seen doing it.
const LOOKED_AT_DAYS: i64 = 92;

/// What a credential may do, against what it did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ScopeUse {
    /// Since when was looked.
    pub since: UnixMillis,
    /// Requests that were allowed since.
    pub allowed: i64,
    /// What it may do.
    pub granted: Vec<ScopeName>,
    /// What it did, and how many requests asked for it. One that is not granted by its name is
    /// implied by one that is.
    pub exercised: Vec<Exercised>,
    /// What it may do and did not.
    pub unused: Vec<ScopeName>,
    /// The scopes that would have been enough; none when nothing was done, or when all is needed.
    pub narrower: Option<Vec<ScopeName>>,
}

/// A scope that was asked for by requests that were allowed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Exercised {
    /// The scope.
    pub scope: ScopeName,
    /// How many requests.
    pub requests: i64,
}

/// What a key did with its scopes.
///
/// # Errors
/// There is no such key; a database does not answer.
pub async fn of_key(app: &App, access: &KeyAccess, id: KeyId) -> Result<ScopeUse, Error> {
    let found = keys::show(app, access, id).await?;
    of(app, access, id.to_string(), found.key.settings.scopes).await
}

/// What the tokens of a client did with its scopes.
///
/// # Errors
/// There is no such client; a database does not answer.
pub async fn of_client(app: &App, access: &KeyAccess, id: ClientId) -> Result<ScopeUse, Error> {
    let found = clients::show(app, access, id).await?;
    let granted = match found.client.settings.scopes {
        ClientScopes::Named(names) => names,
        ClientScopes::All => scopes::list(app)
            .into_iter()
            .map(|scope| scope.name)
            .collect(),
    };
    of(app, access, id.to_string(), granted).await
}

async fn of(
    app: &App,
    access: &KeyAccess,
    id: String,
    granted: Vec<ScopeName>,
) -> Result<ScopeUse, Error> {
    flush(app).await;
    let now = app.sources().now();
    let since = now.plus_millis(-LOOKED_AT_DAYS * DAY_MILLIS);
    let of = Of {
        account_id: Some(access.account_id()),
        credentials: Some(vec![id]),
        each: true,
        environment: None,
    };
    let mut reader = app.usage_db().read().await?;
    let mut allowed = 0;
    let mut exercised = BTreeMap::new();
    for steps in steps_between(since, now.plus_millis(1), Step::Day, kept(app)) {
        for (series, count) in usage::by_series(&mut reader, &of, steps).await? {
            if series.outcome != Outcome::Decided(Reason::Allowed) {
                continue;
            }
            allowed += count;
            for name in series
                .scopes
                .split(' ')
                .filter_map(|name| ScopeName::new(name).ok())
            {
                *exercised.entry(name).or_default() += count;
            }
        }
    }
    Ok(compared(since, allowed, granted, exercised))
}

fn compared(
    since: UnixMillis,
    allowed: i64,
    granted: Vec<ScopeName>,
    exercised: BTreeMap<ScopeName, i64>,
) -> ScopeUse {
    let is_unused = |name: &&ScopeName| !exercised.contains_key(*name);
    let unused: Vec<ScopeName> = granted.iter().filter(is_unused).cloned().collect();
    let narrower =
        (!unused.is_empty() && !exercised.is_empty()).then(|| exercised.keys().cloned().collect());
    let exercised = exercised
        .into_iter()
        .map(|(scope, requests)| Exercised { scope, requests });
    ScopeUse {
        since,
        allowed,
        granted,
        exercised: exercised.collect(),
        unused,
        narrower,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<ScopeName> {
        let name = |name: &&str| ScopeName::new(name).expect("a scope");
        names.iter().map(name).collect()
    }

    fn narrower(granted: &[&str], exercised: &[&str]) -> Option<Vec<ScopeName>> {
        let exercised = names(exercised).into_iter().map(|name| (name, 1));
        compared(UnixMillis(0), 1, names(granted), exercised.collect()).narrower
    }

    #[test]
    fn what_was_done_is_enough() {
        assert_eq!(narrower(&["a", "b"], &["a"]), Some(names(&["a"])));
        assert_eq!(narrower(&["a", "b"], &["b", "a"]), None);
        assert_eq!(
            narrower(&["a", "b"], &[]),
            None,
            "nobody knows what it is for"
        );
        let implied = narrower(&["admin"], &["read:leads", "write:leads"]);
        assert_eq!(implied, Some(names(&["read:leads", "write:leads"])));
    }
}
