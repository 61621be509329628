//! Clients: an id with one or more secrets, exchanged for access tokens.

mod metadata;
mod secret;

pub use metadata::{
    ClientKeys, ClientLinks, ClientMetadata, ClientOrigin, GrantType, HashedToken, MetadataRow,
};
pub use secret::ClientSecret;

use crate::ids::{AccountId, ApiId, ClientId};
use crate::scopes::{ScopeName, parse_names};
use crate::seal::{Columns, Sealed};
use crate::time::UnixMillis;
use crate::{Environment, Problems, text};

/// The most secrets of one client that are neither revoked nor expired.
pub const SECRETS_MAX: usize = 20;
/// The longest life of an access token, in seconds: 30 days.
pub const TOKEN_LIFETIME_SECONDS_MAX: u32 = 30 * 86_400;
/// The largest daily quota of tokens.
pub const TOKENS_PER_DAY_MAX: u32 = 1_000_000;
const AUTH_METHODS_SENTENCE: &str =
    "must be client_secret_basic, client_secret_post, private_key_jwt or none";
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
    /// Whether it works.
    pub state: ClientState,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: UnixMillis,
    /// Counts changes of the row; the `ETag`.
    pub version: i64,
}

/// A client as a request describes it, before anything is checked. The inner `None` takes a value
/// back to its default.
#[derive(Clone, Default, Debug)]
pub struct ClientDraft {
    /// `name`.
    pub name: Option<String>,
    /// `description`.
    pub description: Option<Option<String>>,
    /// `scopes`.
    pub scopes: Option<ScopesDraft>,
    /// `audience`, already found to be an API's.
    pub api_id: Option<Option<ApiId>>,
    /// `token_lifetime_seconds`.
    pub token_lifetime_seconds: Option<Option<u32>>,
    /// `tokens_per_day`.
    pub tokens_per_day: Option<Option<u32>>,
    /// `quota_mode`.
    pub quota_mode: Option<Option<String>>,
    /// `token_endpoint_auth_method`.
    pub auth_method: Option<Option<String>>,
}

/// Scopes as a request names them.
#[derive(Clone, Debug)]
pub enum ScopesDraft {
    /// `"all"`.
    All,
    /// A list.
    Named(Vec<String>),
}

/// A client cannot be changed because it was deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("This client was deleted and cannot be changed. Create a new one.")]
pub struct ClientIsDeleted;

impl ClientSettings {
    /// The settings of a new client: name and scopes are needed.
    pub fn create(draft: &ClientDraft) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        if draft.name.is_none() {
            problems.add("name", "is required");
        }
        if draft.scopes.is_none() {
            problems.add("scopes", "is required: a list of scopes, or \"all\"");
        }
        let blank = Self {
            name: String::new(),
            description: String::new(),
            scopes: ClientScopes::Named(Vec::new()),
            api_id: None,
            token_lifetime_seconds: None,
            tokens_per_day: None,
            quota_mode: None,
            auth_method: None,
        };
        blank.apply(draft, problems)
    }

    /// The settings after an edit (JSON merge patch, RFC 7396).
    pub fn edit(self, draft: &ClientDraft) -> Result<Self, Problems> {
        self.apply(draft, Problems::default())
    }

    fn apply(mut self, draft: &ClientDraft, mut problems: Problems) -> Result<Self, Problems> {
        let p = &mut problems;
        if let Some(name) = &draft.name {
            self.name = p.check("name", text::name(name)).unwrap_or_default();
        }
        if let Some(description) = &draft.description {
            let description = text::description(description.as_deref().unwrap_or_default());
            self.description = p.check("description", description).unwrap_or_default();
        }
        match &draft.scopes {
            None => {}
            Some(ScopesDraft::All) => self.scopes = ClientScopes::All,
            Some(ScopesDraft::Named(texts)) => {
                if texts.is_empty() {
                    p.add("scopes", "must have at least one scope, or be \"all\"");
                }
                self.scopes = ClientScopes::Named(parse_names("scopes", texts, p));
            }
        }
        if let Some(api_id) = draft.api_id {
            self.api_id = api_id;
        }
        if let Some(seconds) = draft.token_lifetime_seconds {
            let most = TOKEN_LIFETIME_SECONDS_MAX;
            self.token_lifetime_seconds = within(p, "token_lifetime_seconds", seconds, most);
        }
        if let Some(quota) = draft.tokens_per_day {
            self.tokens_per_day = within(p, "tokens_per_day", quota, TOKENS_PER_DAY_MAX);
        }
        if let Some(word) = &draft.quota_mode {
            let mode = word
                .as_deref()
                .map(|word| QuotaMode::parse(word).ok_or("must be enforce or observe"));
            self.quota_mode = mode.and_then(|mode| p.check("quota_mode", mode));
        }
        if let Some(word) = &draft.auth_method {
            let method = word
                .as_deref()
                .map(|word| ClientAuthMethod::parse(word).ok_or(AUTH_METHODS_SENTENCE));
            self.auth_method =
                method.and_then(|method| p.check("token_endpoint_auth_method", method));
        }
        problems.into_result().map(|()| self)
    }
}

fn within(problems: &mut Problems, member: &str, value: Option<u32>, most: u32) -> Option<u32> {
    if value.is_some_and(|value| !(1..=most).contains(&value)) {
        problems.add(member, format!("must be 1 to {most}"));
    }
    value
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

    /// The client after an edit, or unchanged when the edit changes nothing.
    pub fn edit(self, settings: ClientSettings) -> Result<Self, ClientIsDeleted> {
        if self.is_deleted() {
            return Err(ClientIsDeleted);
        }
        if settings == self.settings {
            return Ok(self);
        }
        Ok(Self {
            settings,
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(change: impl FnOnce(&mut ClientDraft)) -> ClientDraft {
        let mut draft = ClientDraft {
            name: Some("Nightly import".to_owned()),
            scopes: Some(ScopesDraft::Named(vec!["read:leads".to_owned()])),
            ..ClientDraft::default()
        };
        change(&mut draft);
        draft
    }

    fn problems(draft: &ClientDraft) -> Vec<String> {
        let problems = ClientSettings::create(draft).unwrap_err();
        problems.members().keys().cloned().collect()
    }

    #[test]
    fn name_and_scopes_are_needed() {
        assert_eq!(problems(&ClientDraft::default()), ["name", "scopes"]);
        assert!(ClientSettings::create(&draft(|_| ())).is_ok());
        let all = draft(|d| d.scopes = Some(ScopesDraft::All));
        assert_eq!(
            ClientSettings::create(&all).unwrap().scopes,
            ClientScopes::All
        );
        let none = draft(|d| d.scopes = Some(ScopesDraft::Named(Vec::new())));
        assert_eq!(problems(&none), ["scopes"]);
    }

    #[test]
    fn numbers_and_words_are_checked() {
        let wrong = draft(|d| {
            d.token_lifetime_seconds = Some(Some(0));
            d.tokens_per_day = Some(Some(TOKENS_PER_DAY_MAX + 1));
            d.quota_mode = Some(Some("sometimes".to_owned()));
            d.auth_method = Some(Some("tls_client_auth".to_owned()));
        });
        assert_eq!(
            problems(&wrong),
            [
                "quota_mode",
                "token_endpoint_auth_method",
                "token_lifetime_seconds",
                "tokens_per_day"
            ]
        );
    }

    #[test]
    fn an_edit_takes_values_back_to_their_defaults() {
        let before = draft(|d| {
            d.tokens_per_day = Some(Some(10));
            d.quota_mode = Some(Some("observe".to_owned()));
        });
        let settings = ClientSettings::create(&before).unwrap();
        assert_eq!(settings.quota_mode, Some(QuotaMode::Observe));
        let edit = ClientDraft {
            tokens_per_day: Some(None),
            quota_mode: Some(None),
            ..ClientDraft::default()
        };
        let after = settings.edit(&edit).unwrap();
        assert_eq!((after.tokens_per_day, after.quota_mode), (None, None));
        assert_eq!(after.name, "Nightly import");
    }
}
