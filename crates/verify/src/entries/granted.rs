//! What a credential may do.

use std::sync::Arc;

use claviger_model::Environment;
use claviger_model::scopes::{ScopeName, ScopePatterns};

use crate::apis::ApiEntry;
use crate::scopes::{Bits, ScopeSet};

/// What a credential may do.
#[derive(Clone, Debug)]
pub enum Grant {
    /// These scopes.
    Named(Arc<ScopeSet>),
    /// Whatever scopes of an API the patterns of a role cover.
    Patterns(Arc<ScopePatterns>),
    /// Everything, of every API.
    All,
}

impl Grant {
    /// Whether all of `bits` are held, by the rules of `api` in `environment`.
    pub fn holds(
        &self,
        bits: &Bits,
        names: &[ScopeName],
        api: &ApiEntry,
        environment: Environment,
    ) -> bool {
        let excluded = api.excluded(environment);
        match self {
            Self::Named(set) => {
                bits.are_in(&set.bits, excluded) || api.implying().meet(&set.bits, excluded)
            }
            Self::Patterns(patterns) => names.iter().all(|name| patterns.cover(name)),
            Self::All => bits.are_in(bits, excluded),
        }
    }

    /// Whether the scope called `name` is held, by the rules of `api` in `environment`.
    pub fn holds_name(&self, name: &ScopeName, api: &ApiEntry, environment: Environment) -> bool {
        let usable = || {
            let found = api.scopes.iter().find(|scope| scope.name == *name);
            found.is_none_or(|scope| scope.is_for(environment))
        };
        match self {
            Self::Named(set) => {
                let excluded = api.excluded(environment);
                api.implying().meet(&set.bits, excluded) || (set.names.contains(name) && usable())
            }
            Self::Patterns(patterns) => patterns.cover(name),
            Self::All => usable(),
        }
    }

    /// The scopes of `api` that it names and that count in `environment`, in its own order: what a
    /// token for `api` lists that was asked for without `scope`. A scope that stands for others is
    /// listed itself, and stands for them when the token is used.
    pub fn names_of<'a>(
        &'a self,
        api: &'a ApiEntry,
        environment: Environment,
    ) -> Vec<&'a ScopeName> {
        let offered = || api.scopes.iter().filter(|scope| scope.is_for(environment));
        match self {
            Self::Named(set) => set
                .names
                .iter()
                .filter(|name| offered().any(|scope| scope.name == **name))
                .collect(),
            Self::Patterns(patterns) => offered()
                .map(|scope| &scope.name)
                .filter(|name| patterns.cover(name))
                .collect(),
            Self::All => offered().map(|scope| &scope.name).collect(),
        }
    }

    /// Whether a token for `api` may list `name`: a scope of the API that counts in `environment`
    /// and is held, by name or by one that stands for it.
    pub fn may_hand_on(&self, name: &ScopeName, api: &ApiEntry, environment: Environment) -> bool {
        let mut scopes = api.scopes.iter();
        scopes.any(|scope| scope.name == *name && scope.is_for(environment))
            && self.holds_name(name, api, environment)
    }

    /// The names of the scopes, for showing.
    pub(super) fn names_at<'a>(&'a self, api: Option<&'a ApiEntry>) -> Vec<&'a str> {
        let offered = |covers: &dyn Fn(&ScopeName) -> bool| {
            let names = api.iter().flat_map(|api| api.scopes.iter());
            let names = names.map(|scope| &scope.name).filter(|name| covers(name));
            names.map(ScopeName::as_str).collect()
        };
        match (self, api) {
            (Self::Named(set), _) => set.names.iter().map(ScopeName::as_str).collect(),
            (Self::Patterns(patterns), Some(_)) => offered(&|name| patterns.cover(name)),
            (Self::Patterns(patterns), None) => patterns.0.iter().map(ScopeName::as_str).collect(),
            (Self::All, _) => offered(&|_| true),
        }
    }
}
