//! What the index holds for each secret.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use claviger_model::credentials::{CredentialKind, StoredSecret};
use claviger_model::ids::{AccountId, KeyId, ManagementTokenId, SecretId, SessionId, UserId};
use claviger_model::keyring::Mac;
use claviger_model::keys::{ApiKey, KeyState};
use claviger_model::scopes::{ScopeName, ScopePatterns};
use claviger_model::{Environment, Reason, UnixMillis};
use ipnet::IpNet;

use crate::apis::ApiEntry;
use crate::limits::Limiter;
use crate::scopes::{Bits, ScopeSet};

/// Whether an account's credentials work, shared by all of its entries.
#[derive(Debug)]
pub struct AccountCell {
    id: AccountId,
    active: AtomicBool,
}

impl AccountCell {
    /// An account that is not active until it is said to be.
    pub const fn inactive(id: AccountId) -> Self {
        Self {
            id,
            active: AtomicBool::new(false),
        }
    }

    /// Which account.
    pub const fn id(&self) -> AccountId {
        self.id
    }

    /// Whether its credentials work.
    pub fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }

    /// Says whether they do.
    pub fn set_active(&self, active: bool) {
        self.active.store(active, Ordering::Release);
    }
}

/// Who a credential is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Identity {
    /// A key, by one of its secrets.
    Key(KeyId, SecretId),
    /// A sign-in of a user.
    Session(SessionId, UserId),
    /// A management token.
    Management(ManagementTokenId),
}

impl Identity {
    /// The kind of credential.
    pub const fn kind(&self) -> CredentialKind {
        match self {
            Self::Key(..) => CredentialKind::ApiKey,
            Self::Session(..) => CredentialKind::Session,
            Self::Management(_) => CredentialKind::ManagementToken,
        }
    }

    /// The credential's id.
    pub fn id(&self) -> String {
        match self {
            Self::Key(id, _) => id.to_string(),
            Self::Session(id, _) => id.to_string(),
            Self::Management(id) => id.to_string(),
        }
    }

    /// The id of the secret, where the credential can have several.
    pub fn secret_id(&self) -> Option<SecretId> {
        match self {
            Self::Key(_, secret) => Some(*secret),
            Self::Session(..) | Self::Management(_) => None,
        }
    }

    /// For whom it acts: the user of a session, else the credential itself.
    pub fn subject(&self) -> String {
        match self {
            Self::Session(_, user) => user.to_string(),
            Self::Key(..) | Self::Management(_) => self.id(),
        }
    }
}

/// Whether a credential works, apart from its expiry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryState {
    /// It does.
    Active,
    /// It does not, for this reason.
    Refused(Reason),
}

/// What a credential may do.
#[derive(Clone, Debug)]
pub enum Grant {
    /// These scopes.
    Named(Arc<ScopeSet>),
    /// Whatever scopes of an API the patterns of a role cover.
    Patterns(Arc<ScopePatterns>),
}

/// One secret and everything that a decision about it needs.
#[derive(Debug)]
pub struct Entry {
    pub(crate) hash: Mac,
    pub(crate) pepper_version: u8,
    /// Who it is.
    pub identity: Identity,
    /// Which data it reaches; none for sessions, which reach both.
    pub environment: Option<Environment>,
    /// Whose it is; none for an operator's session without account.
    pub account: Option<Arc<AccountCell>>,
    /// What people call it.
    pub name: Arc<str>,
    /// What it may do.
    pub grant: Grant,
    /// Whether it works.
    pub state: EntryState,
    /// From when it does not.
    pub expires_at: Option<UnixMillis>,
    pub(crate) networks: Option<Arc<[IpNet]>>,
    pub(crate) limiter: Option<Arc<Limiter>>,
}

/// A session with what it depends on, as the loader reads it.
#[derive(Clone, Debug)]
pub struct ResidentSession {
    /// The session's id.
    pub id: SessionId,
    /// The user.
    pub user_id: UserId,
    /// The user's address, by which people know the session.
    pub email: String,
    /// Where the user signed in.
    pub account_id: Option<AccountId>,
    /// The stored form of its token.
    pub stored: StoredSecret,
    /// When it ends.
    pub expires_at: UnixMillis,
    /// What is against it: ended, user suspended, membership gone.
    pub refused: Option<Reason>,
    /// The scopes of the role.
    pub scopes: ScopePatterns,
}

impl Entry {
    /// The state of a key, as its entry has it.
    pub(crate) fn state_of(key: &ApiKey) -> EntryState {
        match key.state {
            KeyState::Active => EntryState::Active,
            KeyState::Inactive { .. } => EntryState::Refused(Reason::Inactive),
            KeyState::Revoked { .. } => EntryState::Refused(Reason::Revoked),
        }
    }

    /// The account's id.
    pub fn account_id(&self) -> Option<AccountId> {
        self.account.as_ref().map(|account| account.id())
    }

    /// Whether `address` may use it.
    pub(crate) fn allows_address(&self, address: Option<IpAddr>) -> bool {
        let Some(networks) = &self.networks else {
            return true;
        };
        // An unknown address is outside every list.
        let Some(address) = address.map(|address| address.to_canonical()) else {
            return false;
        };
        networks.iter().any(|network| network.contains(&address))
    }

    /// Whether it holds all of `needed`, by the rules of `api` in `environment`.
    pub(crate) fn holds(
        &self,
        bits: &Bits,
        names: &[ScopeName],
        api: &ApiEntry,
        environment: Environment,
    ) -> bool {
        let excluded = api.excluded(environment);
        match &self.grant {
            Grant::Named(set) => {
                bits.are_in(&set.bits, excluded) || api.implying().meet(&set.bits, excluded)
            }
            Grant::Patterns(patterns) => names.iter().all(|name| patterns.cover(name)),
        }
    }

    /// Whether it holds the scope called `name`, by the rules of `api` in `environment`.
    pub(crate) fn holds_name(&self, name: &str, api: &ApiEntry, environment: Environment) -> bool {
        let Ok(name) = ScopeName::new(name) else {
            return false;
        };
        match &self.grant {
            Grant::Named(set) => {
                let excluded = api.excluded(environment);
                if api.implying().meet(&set.bits, excluded) {
                    return true;
                }
                let usable = api.scopes.iter().find(|scope| scope.name == name);
                set.names.contains(&name) && usable.is_none_or(|scope| scope.is_for(environment))
            }
            Grant::Patterns(patterns) => patterns.cover(&name),
        }
    }

    /// The scopes that it holds, for showing: of a role's patterns, those of `api`.
    pub fn scopes_at<'a>(&'a self, api: Option<&'a ApiEntry>) -> Vec<&'a str> {
        match (&self.grant, api) {
            (Grant::Named(set), _) => set.names.iter().map(ScopeName::as_str).collect(),
            (Grant::Patterns(patterns), Some(api)) => {
                let names = api.scopes.iter().map(|scope| &scope.name);
                names
                    .filter(|name| patterns.cover(name))
                    .map(ScopeName::as_str)
                    .collect()
            }
            (Grant::Patterns(patterns), None) => patterns.0.iter().map(ScopeName::as_str).collect(),
        }
    }
}
