//! What the rows of `changes` name: the things that every node re-reads into its index.

/// The kind of a changed thing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ChangeKind {
    /// An account: its status.
    Account,
    /// An API: its scopes, routes, hosts and accepted kinds.
    Api,
    /// A key with its secrets.
    Key,
    /// A session.
    Session,
    /// A user: all of the user's sessions.
    User,
    /// A role: the sessions of its members.
    Role,
    /// A client with its secrets.
    Client,
    /// A legacy key.
    LegacyKey,
    /// A signing key.
    SigningKey,
    /// An access token that was revoked.
    RevokedToken,
    /// Before which epoch the tokens of a client or an account are dead.
    TokenFloor,
    /// What a user allowed an app.
    Grant,
    /// A family of refresh tokens that was ended.
    TokenFamily,
    /// The hash of a key that was made elsewhere.
    ImportedHash,
}

impl ChangeKind {
    /// All kinds.
    pub const ALL: [Self; 14] = [
        Self::Account,
        Self::Api,
        Self::Key,
        Self::Session,
        Self::User,
        Self::Role,
        Self::Client,
        Self::LegacyKey,
        Self::SigningKey,
        Self::RevokedToken,
        Self::TokenFloor,
        Self::Grant,
        Self::TokenFamily,
        Self::ImportedHash,
    ];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Api => "api",
            Self::Key => "key",
            Self::Session => "session",
            Self::User => "user",
            Self::Role => "role",
            Self::Client => "client",
            Self::LegacyKey => "legacy_key",
            Self::SigningKey => "signing_key",
            Self::RevokedToken => "revoked_token",
            Self::TokenFloor => "token_floor",
            Self::Grant => "grant",
            Self::TokenFamily => "token_family",
            Self::ImportedHash => "imported_hash",
        }
    }

    /// The kind that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// One changed thing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Change {
    /// What it is.
    pub kind: ChangeKind,
    /// Its id, as text.
    pub id: String,
}

impl Change {
    /// The thing of `kind` with this id.
    pub fn new(kind: ChangeKind, id: impl std::fmt::Display) -> Self {
        Self {
            kind,
            id: id.to_string(),
        }
    }
}
