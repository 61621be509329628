//! Clients: an id with one or more secrets, exchanged for access tokens.

mod ceilings;
mod description;
mod draft;
mod keys;
mod metadata;
mod secret;

pub use ceilings::ClientCeilings;
pub use description::ClientDescription;
pub use draft::{AppDraft, ClientDraft, ScopesDraft};
pub use metadata::{
    ClientKeys, ClientLinks, ClientMetadata, ClientOrigin, GrantType, HashedToken, MetadataRow,
};
pub use secret::ClientSecret;

use crate::Environment;
use crate::ids::{AccountId, ApiId, ClientId};
use crate::scopes::ScopeName;
use crate::seal::{Columns, Sealed};
use crate::time::UnixMillis;

/// The most secrets of one client that are neither revoked nor expired.
pub const SECRETS_MAX: usize = 20;
/// The longest life of an access token, in seconds: 30 days.
pub const TOKEN_LIFETIME_SECONDS_MAX: u32 = 30 * 86_400;
/// The largest daily quota of tokens.
pub const TOKENS_PER_DAY_MAX: u32 = 1_000_000;
/// What the subject of a token that a client got for itself ends with.
const SUBJECT_SUFFIX: &str = "@clients";

/// For whom a client acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientKind {
    /// For its account, by `client_credentials`.
    Machine,
    /// For the users who allow it to: an app.
    App,
}

impl ClientKind {
    /// The word in JSON and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::App => "app",
        }
    }

    /// The kind that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Machine, Self::App]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// What happens when a client's quota of tokens is used up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum QuotaMode {
    /// It gets none until the next day in UTC.
    #[default]
    Enforce,
    /// It is only counted.
    Observe,
}

impl QuotaMode {
    /// The word in JSON, in the configuration and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Observe => "observe",
        }
    }

    /// The mode that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Enforce, Self::Observe]
            .into_iter()
            .find(|mode| mode.as_str() == word)
    }
}

/// How a client proves who it is (RFC 6749 section 2.3.1, names of RFC 7591 section 2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientAuthMethod {
    /// Id and secret in the `Authorization` header.
    Basic,
    /// Id and secret in the body.
    Post,
    /// A JWT that it signs with a key of its own (RFC 7523 section 2.2).
    PrivateKeyJwt,
    /// Not at all: a public client, which keeps no secret (RFC 6749 section 2.1).
    None,
}

impl ClientAuthMethod {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Basic, Self::Post, Self::PrivateKeyJwt, Self::None];

    /// The word in JSON and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::None => "none",
        }
    }

    /// The method that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == word)
    }
}

/// Which scopes a client holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ClientScopes {
    /// Every scope of every API, those of later too.
    All,
    /// These.
    Named(Vec<ScopeName>),
}

/// What is decided about a client and can be changed later.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientSettings {
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it may do.
    pub scopes: ClientScopes,
    /// The only API that it may ask tokens for; none: each on which it holds scopes.
    pub api_id: Option<ApiId>,
    /// How long its tokens live, in seconds, when not as long as the API's.
    pub token_lifetime_seconds: Option<u32>,
    /// Tokens a day in UTC, when not as many as the instance's.
    pub tokens_per_day: Option<u32>,
    /// What happens when they are used up, when not what the instance says.
    pub quota_mode: Option<QuotaMode>,
    /// The only way in which it may prove who it is; none: each.
    pub auth_method: Option<ClientAuthMethod>,
}

/// Whether a client works.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ClientState {
    /// It does.
    Active,
    /// It never works again, nor does any token that it got.
    Deleted {
        /// Since when.
        at: UnixMillis,
        /// Who deleted it.
        by: String,
    },
}

/// A client, without its secrets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Client {
    /// Its id: the `client_id`.
    pub id: ClientId,
    /// Whose it is.
    pub account_id: AccountId,
    /// For whom it acts; never changes.
    pub kind: ClientKind,
    /// Which data its tokens reach; never changes.
    pub environment: Environment,
    /// What is decided about it.
    pub settings: ClientSettings,
    /// What an operator said that it has at most.
    pub ceilings: ClientCeilings,
    /// Whether it works.
    pub state: ClientState,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: UnixMillis,
    /// Counts changes of the row; the `ETag`.
    pub version: i64,
}

/// A client cannot be changed because it was deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("This client was deleted and cannot be changed. Create a new one.")]
pub struct ClientIsDeleted;

impl ClientSettings {
    /// Whether a client of these settings proves nothing when it asks for tokens: a public one
    /// (RFC 6749 section 2.1).
    pub fn is_public(&self) -> bool {
        self.auth_method == Some(ClientAuthMethod::None)
    }

    /// Whether it gets secrets: others prove who they are in another way, or not at all.
    pub fn takes_secrets(&self) -> bool {
        !matches!(
            self.auth_method,
            Some(ClientAuthMethod::None | ClientAuthMethod::PrivateKeyJwt)
        )
    }
}

impl Client {
    /// What a token that it gets for itself carries as `sub`.
    pub fn subject(&self) -> String {
        subject(self.id)
    }

    /// Whether it was deleted.
    pub fn is_deleted(&self) -> bool {
        matches!(self.state, ClientState::Deleted { .. })
    }

    /// The client after an edit, or unchanged when the edit changes neither it nor the metadata
    /// that it had `before`.
    pub fn edit(
        self,
        before: &ClientMetadata,
        after: &ClientDescription,
    ) -> Result<Self, ClientIsDeleted> {
        if self.is_deleted() {
            return Err(ClientIsDeleted);
        }
        let is_same = after.settings == self.settings && after.ceilings == self.ceilings;
        if is_same && after.metadata == *before {
            return Ok(self);
        }
        Ok(Self {
            settings: after.settings.clone(),
            ceilings: after.ceilings,
            version: self.version + 1,
            ..self
        })
    }

    /// The client deleted; one that was deleted before keeps its first date.
    #[must_use]
    pub fn delete(self, at: UnixMillis, by: &str) -> Self {
        if self.is_deleted() {
            return self;
        }
        let by = by.to_owned();
        Self {
            state: ClientState::Deleted { at, by },
            version: self.version + 1,
            ..self
        }
    }
}

/// What a token that the client gets for itself carries as `sub`.
pub fn subject(id: ClientId) -> String {
    format!("{id}{SUBJECT_SUFFIX}")
}

impl Sealed for Client {
    const TABLE: &'static str = "clients";

    fn columns(&self, columns: &mut Columns) {
        let settings = &self.settings;
        let (deleted_at, deleted_by) = match &self.state {
            ClientState::Active => (None, None),
            ClientState::Deleted { at, by } => (Some(*at), Some(by.as_str())),
        };
        columns
            .shown(self.id)
            .shown(self.account_id)
            .text(self.kind.as_str())
            .text(self.environment.as_str())
            .text(&settings.name)
            .text(&settings.description);
        match &settings.scopes {
            ClientScopes::All => columns.flag(true),
            ClientScopes::Named(names) => columns.flag(false).list(names),
        };
        columns
            .optional(settings.api_id, Columns::shown)
            .optional(settings.token_lifetime_seconds.map(i64::from), Columns::int)
            .optional(settings.tokens_per_day.map(i64::from), Columns::int)
            .optional(settings.quota_mode.map(QuotaMode::as_str), Columns::text)
            .optional(
                settings.auth_method.map(ClientAuthMethod::as_str),
                Columns::text,
            )
            .optional(deleted_at, Columns::time)
            .optional(deleted_by, Columns::text)
            .text(&self.created_by)
            .time(self.created_at)
            .int(self.version);
        self.ceilings.columns(columns);
    }
}
