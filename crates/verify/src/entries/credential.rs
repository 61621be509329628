//! A credential that the index knows, whichever way it is held.

use std::net::IpAddr;
use std::sync::Arc;

use claviger_model::credentials::PLACEHOLDER;
use claviger_model::ids::AccountId;
use claviger_model::keyring::Mac;
use claviger_model::scopes::ScopeName;
use claviger_model::{Environment, UnixMillis};
use ipnet::IpNet;

use super::{AccountCell, ClientEntry, ConsentEntry, Entry, EntryState, Grant, Identity};
use crate::apis::ApiEntry;
use crate::keys::ResidentKey;
use crate::limits::Limiter;
use crate::scopes::Bits;

/// A credential that the index knows, as it was when it was found. A clone costs one atomic
/// addition.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A key: there are millions of them, so they are held as small as can be.
    Key(ResidentKey),
    /// Anything else.
    Other(Arc<Entry>),
}

impl From<Arc<Entry>> for Credential {
    fn from(entry: Arc<Entry>) -> Self {
        Self::Other(entry)
    }
}

impl Credential {
    /// Who it is.
    pub fn identity(&self) -> Identity {
        match self {
            Self::Key(key) => key.identity(),
            Self::Other(entry) => entry.identity,
        }
    }

    /// Which data it reaches; none for sessions, which reach both.
    pub fn environment(&self) -> Option<Environment> {
        match self {
            Self::Key(key) => Some(key.environment()),
            Self::Other(entry) => entry.environment,
        }
    }

    /// Whose it is; none for an operator's session without account.
    pub fn account(&self) -> Option<&Arc<AccountCell>> {
        match self {
            Self::Key(key) => Some(key.account()),
            Self::Other(entry) => entry.account.as_ref(),
        }
    }

    /// The account's id.
    pub fn account_id(&self) -> Option<AccountId> {
        self.account().map(|account| account.id())
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        match self {
            Self::Key(key) => key.name(),
            Self::Other(entry) => &entry.name,
        }
    }

    /// What it may do.
    pub fn grant(&self) -> &Grant {
        match self {
            Self::Key(key) => key.grant(),
            Self::Other(entry) => &entry.grant,
        }
    }

    /// The client of an access token, beyond which it cannot go: it may do what both may do.
    pub fn client(&self) -> Option<&Arc<ClientEntry>> {
        match self {
            Self::Key(_) => None,
            Self::Other(entry) => entry.client.as_ref(),
        }
    }

    /// What a user allowed, when an access token acts for one: it cannot do more than the user may
    /// do now.
    pub fn consent(&self) -> Option<&Arc<ConsentEntry>> {
        match self {
            Self::Key(_) => None,
            Self::Other(entry) => entry.consent.as_ref(),
        }
    }

    /// Whether it works.
    pub fn state(&self) -> EntryState {
        match self {
            Self::Key(key) => key.state(),
            Self::Other(entry) => entry.state,
        }
    }

    /// From when it does not.
    pub fn expires_at(&self) -> Option<UnixMillis> {
        match self {
            Self::Key(key) => key.expires_at(),
            Self::Other(entry) => entry.expires_at,
        }
    }

    /// A place in memory that no other credential has as long as this one is held.
    pub fn address(&self) -> usize {
        match self {
            Self::Key(key) => key.address(),
            Self::Other(entry) => Arc::as_ptr(entry).addr(),
        }
    }

    /// Whether it is a key that was made elsewhere and never seen here: what was brought along for
    /// it is to be replaced by a hash of our own.
    pub fn is_unseen(&self) -> bool {
        matches!(self, Self::Key(key) if *key.hash() == PLACEHOLDER)
    }

    pub(crate) fn hash(&self) -> &Mac {
        match self {
            Self::Key(key) => key.hash(),
            Self::Other(entry) => &entry.hash,
        }
    }

    pub(crate) fn pepper_version(&self) -> u8 {
        match self {
            Self::Key(key) => key.pepper_version(),
            Self::Other(entry) => entry.pepper_version,
        }
    }

    fn networks(&self) -> Option<&[IpNet]> {
        match self {
            Self::Key(key) => key.networks(),
            Self::Other(_) => None,
        }
    }

    pub(crate) fn limiter(&self) -> Option<&Limiter> {
        match self {
            Self::Key(key) => key.limiter().map(AsRef::as_ref),
            Self::Other(_) => None,
        }
    }

    /// What it may not exceed, whatever its own grant is: a token cannot do more than its client
    /// may do now.
    pub fn ceiling(&self) -> Option<&Grant> {
        self.client().map(|client| &client.grant)
    }

    /// Whether `address` may use it.
    pub(crate) fn allows_address(&self, address: Option<IpAddr>) -> bool {
        let Some(networks) = self.networks() else {
            return true;
        };
        // An unknown address is outside every list.
        let Some(address) = address.map(|address| address.to_canonical()) else {
            return false;
        };
        networks.iter().any(|network| network.contains(&address))
    }

    /// Whether the user for whom it acts may do all of `needed`; true when it acts for none.
    pub(crate) fn user_may(&self, needed: &[ScopeName]) -> bool {
        let may = |consent: &Arc<ConsentEntry>| needed.iter().all(|name| consent.user_may(name));
        self.consent().is_none_or(may)
    }

    /// Whether it holds all of `needed`, by the rules of `api` in `environment`, whatever the user
    /// for whom it acts may do.
    pub(crate) fn holds(
        &self,
        bits: &Bits,
        names: &[ScopeName],
        api: &ApiEntry,
        environment: Environment,
    ) -> bool {
        let holds = |grant: &Grant| grant.holds(bits, names, api, environment);
        holds(self.grant()) && self.ceiling().is_none_or(holds)
    }

    /// Whether it holds the scope called `name`, by the rules of `api` in `environment`, whatever
    /// the user for whom it acts may do.
    pub(crate) fn holds_name(&self, name: &str, api: &ApiEntry, environment: Environment) -> bool {
        let Ok(name) = ScopeName::new(name) else {
            return false;
        };
        let holds = |grant: &Grant| grant.holds_name(&name, api, environment);
        holds(self.grant()) && self.ceiling().is_none_or(holds)
    }

    /// The scopes that it holds, for showing: of a role's patterns and of everything, those of
    /// `api`.
    pub fn scopes_at<'a>(&'a self, api: Option<&'a ApiEntry>) -> Vec<&'a str> {
        let mut names = self.grant().names_at(api);
        if let Some(ceiling) = self.ceiling()
            && let Some(api) = api
            && let Some(environment) = self.environment()
        {
            names.retain(|name| {
                ScopeName::new(name).is_ok_and(|name| ceiling.holds_name(&name, api, environment))
            });
        }
        if let Some(consent) = self.consent() {
            names.retain(|name| ScopeName::new(name).is_ok_and(|name| consent.user_may(&name)));
        }
        names
    }
}
