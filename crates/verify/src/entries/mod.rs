//! What the index holds for each secret.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use claviger_model::clients::{
    self, Client, ClientAuthMethod, ClientScopes, ClientSecret, QuotaMode,
};
use claviger_model::credentials::{CredentialKind, StoredSecret};
use claviger_model::ids::{
    AccountId, ApiId, ClientId, KeyId, LegacyKeyId, SecretId, SessionId, TokenId, UserId,
};
use claviger_model::keyring::Mac;
use claviger_model::keys::{ApiKey, KeyState};
use claviger_model::scopes::{ScopeName, ScopePatterns};
use claviger_model::{Environment, Reason, UnixMillis};
use ipnet::IpNet;

use crate::apis::ApiEntry;
use crate::limits::Limiter;
use crate::scopes::{Bits, ScopeSet, Scopes};

/// Whether an account's credentials work, shared by all of its entries.
#[derive(Debug)]
pub struct AccountCell {
    id: AccountId,
    active: AtomicBool,
    /// Below which epoch its tokens are dead.
    tokens_not_before: AtomicI64,
}

impl AccountCell {
    /// An account that is not active until it is said to be.
    pub const fn inactive(id: AccountId) -> Self {
        Self {
            id,
            active: AtomicBool::new(false),
            tokens_not_before: AtomicI64::new(0),
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

    /// Below which epoch its tokens are dead.
    pub fn tokens_not_before(&self) -> i64 {
        self.tokens_not_before.load(Ordering::Acquire)
    }

    /// Ends the tokens that were issued below this epoch. It never goes back.
    pub(crate) fn end_tokens(&self, not_before_epoch: i64) {
        self.tokens_not_before
            .fetch_max(not_before_epoch, Ordering::AcqRel);
    }
}

/// Who a credential is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Identity {
    /// A key, by one of its secrets.
    Key(KeyId, SecretId),
    /// A sign-in of a user.
    Session(SessionId, UserId),
    /// A client, by one of its secrets. It gets tokens with it and may do nothing else.
    Client(ClientId, SecretId),
    /// A legacy key.
    LegacyKey(LegacyKeyId),
    /// An access token of a client, obtained with one of its secrets.
    Token(TokenId, ClientId, SecretId),
}

impl Identity {
    /// The kind of credential.
    pub const fn kind(&self) -> CredentialKind {
        match self {
            Self::Key(..) => CredentialKind::ApiKey,
            Self::Session(..) => CredentialKind::Session,
            Self::Client(..) => CredentialKind::ClientSecret,
            Self::LegacyKey(_) => CredentialKind::LegacyKey,
            Self::Token(..) => CredentialKind::AccessToken,
        }
    }

    /// The credential's id; of an access token its client's, by which it is known to people.
    pub fn id(&self) -> String {
        match self {
            Self::Key(id, _) => id.to_string(),
            Self::Session(id, _) => id.to_string(),
            Self::Client(id, _) | Self::Token(_, id, _) => id.to_string(),
            Self::LegacyKey(id) => id.to_string(),
        }
    }

    /// The id of the secret, where the credential can have several.
    pub fn secret_id(&self) -> Option<SecretId> {
        match self {
            Self::Key(_, secret) | Self::Client(_, secret) | Self::Token(_, _, secret) => {
                Some(*secret)
            }
            Self::Session(..) | Self::LegacyKey(_) => None,
        }
    }

    /// The id of an access token.
    pub fn token_id(&self) -> Option<TokenId> {
        match self {
            Self::Token(token, ..) => Some(*token),
            _ => None,
        }
    }

    /// For whom it acts: the user of a session, the `sub` of a token, else the credential itself.
    pub fn subject(&self) -> String {
        match self {
            Self::Session(_, user) => user.to_string(),
            Self::Client(client, _) | Self::Token(_, client, _) => clients::subject(*client),
            Self::Key(..) | Self::LegacyKey(_) => self.id(),
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
    /// Everything, of every API.
    All,
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
    /// The client of an access token, beyond which it cannot go: it may do what both may do.
    pub client: Option<Arc<ClientEntry>>,
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
    /// An entry that no secret matches and that may do nothing.
    pub(crate) fn powerless() -> Self {
        Self {
            hash: [0; 32],
            pepper_version: 0,
            identity: Identity::LegacyKey(LegacyKeyId(0)),
            environment: None,
            account: None,
            name: Arc::default(),
            grant: Grant::Patterns(Arc::new(ScopePatterns(Vec::new()))),
            client: None,
            state: EntryState::Refused(Reason::InvalidCredential),
            expires_at: None,
            networks: None,
            limiter: None,
        }
    }

    /// The same, recognised by `stored`.
    pub(crate) fn of_secret(stored: &StoredSecret) -> Self {
        Self {
            hash: stored.hash,
            pepper_version: stored.pepper_version,
            ..Self::powerless()
        }
    }

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

    /// What it may not exceed, whatever its own grant is: a token cannot do more than its client
    /// may do now.
    pub fn ceiling(&self) -> Option<&Grant> {
        self.client.as_ref().map(|client| &client.grant)
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
        let holds = |grant: &Grant| grant.holds(bits, names, api, environment);
        holds(&self.grant) && self.ceiling().is_none_or(holds)
    }

    /// Whether it holds the scope called `name`, by the rules of `api` in `environment`.
    pub(crate) fn holds_name(&self, name: &str, api: &ApiEntry, environment: Environment) -> bool {
        let Ok(name) = ScopeName::new(name) else {
            return false;
        };
        let holds = |grant: &Grant| grant.holds_name(&name, api, environment);
        holds(&self.grant) && self.ceiling().is_none_or(holds)
    }

    /// The scopes that it holds, for showing: of a role's patterns and of everything, those of
    /// `api`.
    pub fn scopes_at<'a>(&'a self, api: Option<&'a ApiEntry>) -> Vec<&'a str> {
        let mut names = self.grant.names_at(api);
        if let Some(ceiling) = self.ceiling()
            && let Some(api) = api
            && let Some(environment) = self.environment
        {
            names.retain(|name| {
                ScopeName::new(name).is_ok_and(|name| ceiling.holds_name(&name, api, environment))
            });
        }
        names
    }
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
    fn names_at<'a>(&'a self, api: Option<&'a ApiEntry>) -> Vec<&'a str> {
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

/// A client with what a token request and a token need to know of it.
#[derive(Debug)]
pub struct ClientEntry {
    /// Its id.
    pub id: ClientId,
    /// Whose it is.
    pub account: Arc<AccountCell>,
    /// What people call it.
    pub name: Arc<str>,
    /// Which data its tokens reach.
    pub environment: Environment,
    /// What it may do.
    pub grant: Grant,
    /// Whether it works.
    pub state: EntryState,
    /// The only API that it may ask tokens for.
    pub api_id: Option<ApiId>,
    /// How long its tokens live, in seconds, when not as long as the API's.
    pub token_lifetime_seconds: Option<u32>,
    /// Tokens a day, when not as many as the instance's.
    pub tokens_per_day: Option<u32>,
    /// What happens when they are used up, when not what the instance says.
    pub quota_mode: Option<QuotaMode>,
    /// The only way in which it may prove who it is.
    pub auth_method: Option<ClientAuthMethod>,
    /// Its secrets that were not revoked, expired ones too: tokens that they got go on.
    secrets: Box<[SecretId]>,
    /// Below which epoch its tokens are dead; shared by all entries of the client.
    tokens_not_before: Arc<AtomicI64>,
    is_current: AtomicBool,
}

impl ClientEntry {
    pub(crate) fn new(
        client: &Client,
        secrets: &[ClientSecret],
        account: Arc<AccountCell>,
        tokens_not_before: Arc<AtomicI64>,
        scopes: &Scopes,
    ) -> Self {
        let settings = &client.settings;
        let unrevoked = secrets.iter().filter(|secret| secret.revoked_at.is_none());
        Self {
            id: client.id,
            account,
            name: settings.name.as_str().into(),
            environment: client.environment,
            grant: match &settings.scopes {
                ClientScopes::All => Grant::All,
                ClientScopes::Named(names) => Grant::Named(scopes.set(names)),
            },
            state: if client.is_deleted() {
                EntryState::Refused(Reason::Revoked)
            } else {
                EntryState::Active
            },
            api_id: settings.api_id,
            token_lifetime_seconds: settings.token_lifetime_seconds,
            tokens_per_day: settings.tokens_per_day,
            quota_mode: settings.quota_mode,
            auth_method: settings.auth_method,
            secrets: unrevoked.map(|secret| secret.id).collect(),
            tokens_not_before,
            is_current: AtomicBool::new(true),
        }
    }

    /// Whether the index still has this entry of the client, and no newer one.
    pub(crate) fn is_current(&self) -> bool {
        self.is_current.load(Ordering::Acquire)
    }

    /// Says that the index has another entry of the client now, or none.
    pub(crate) fn supersede(&self) {
        self.is_current.store(false, Ordering::Release);
    }

    /// Below which epoch its tokens are dead.
    pub fn tokens_not_before(&self) -> i64 {
        self.tokens_not_before.load(Ordering::Acquire)
    }

    /// Whether it may have tokens for `api`, whatever scopes it holds there.
    pub fn may_ask_for(&self, api: &ApiEntry) -> bool {
        self.api_id.is_none_or(|only| only == api.id)
    }

    /// Whether tokens that this secret got go on.
    pub fn honours(&self, secret: SecretId) -> bool {
        self.secrets.contains(&secret)
    }
}
