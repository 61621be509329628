//! What the index holds for each secret, and what several of them share.

mod client;
mod consent;
mod credential;
mod granted;

pub use client::ClientEntry;
pub use consent::{ConsentEntry, ResidentGrant};
pub use credential::Credential;
pub use granted::Grant;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use claviger_model::clients;
use claviger_model::credentials::{CredentialKind, StoredSecret};
use claviger_model::ids::{
    AccountId, ClientId, KeyId, LegacyKeyId, SecretId, SessionId, TokenId, UserId,
};
use claviger_model::keyring::Mac;
use claviger_model::keys::{ApiKey, KeyState};
use claviger_model::scopes::ScopePatterns;
use claviger_model::{Environment, Reason, UnixMillis};

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
    /// An access token of a client.
    Token(TokenIdentity),
}

/// Which access token it is, and for whom it acts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TokenIdentity {
    /// Its id.
    pub id: TokenId,
    /// The client that it was issued to.
    pub client_id: ClientId,
    /// The secret that it was obtained with, if it was one.
    pub secret_id: Option<SecretId>,
    /// The user for whom it acts; none when the client acts for itself.
    pub user_id: Option<UserId>,
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
            Self::Client(id, _) => id.to_string(),
            Self::Token(token) => token.client_id.to_string(),
            Self::LegacyKey(id) => id.to_string(),
        }
    }

    /// The id of the secret, where the credential can have several.
    pub fn secret_id(&self) -> Option<SecretId> {
        match self {
            Self::Key(_, secret) | Self::Client(_, secret) => Some(*secret),
            Self::Token(token) => token.secret_id,
            Self::Session(..) | Self::LegacyKey(_) => None,
        }
    }

    /// The id of an access token.
    pub fn token_id(&self) -> Option<TokenId> {
        match self {
            Self::Token(token) => Some(token.id),
            _ => None,
        }
    }

    /// For whom it acts: the user of a session, the `sub` of a token, else the credential itself.
    pub fn subject(&self) -> String {
        match self {
            Self::Session(_, user) => user.to_string(),
            Self::Client(client, _) => clients::subject(*client),
            Self::Token(token) => token.subject(),
            Self::Key(..) | Self::LegacyKey(_) => self.id(),
        }
    }
}

impl TokenIdentity {
    /// Its `sub`.
    pub fn subject(&self) -> String {
        self.user_id
            .map_or_else(|| clients::subject(self.client_id), |user| user.to_string())
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
    /// What a user allowed, when an access token acts for one: it cannot do more than the user may
    /// do now.
    pub consent: Option<Arc<ConsentEntry>>,
    /// Whether it works.
    pub state: EntryState,
    /// From when it does not.
    pub expires_at: Option<UnixMillis>,
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
            consent: None,
            state: EntryState::Refused(Reason::InvalidCredential),
            expires_at: None,
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
}
