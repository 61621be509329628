//! What a client is beside its settings: mostly of interest for apps. The names are those of
//! RFC 7591 section 2.

use serde::{Deserialize, Serialize};

use crate::ids::ClientId;
use crate::redirect_uris::RedirectUri;
use crate::seal::{Columns, Sealed};

use super::ClientKind;

/// How tokens are obtained (RFC 6749 section 1.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum GrantType {
    /// By a client, for itself (RFC 6749 section 4.4).
    #[serde(rename = "client_credentials")]
    ClientCredentials,
    /// By a code that a user's browser brings (RFC 6749 section 4.1).
    #[serde(rename = "authorization_code")]
    AuthorizationCode,
    /// By a refresh token (RFC 6749 section 6).
    #[serde(rename = "refresh_token")]
    RefreshToken,
    /// By a code that a user enters at another device (RFC 8628).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
}

impl GrantType {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::ClientCredentials,
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::DeviceCode,
    ];

    /// The value of `grant_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
        }
    }

    /// The grant type that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == word)
    }

    /// What a client has when nobody says.
    pub const fn of_kind(kind: ClientKind) -> &'static [Self] {
        match kind {
            ClientKind::Machine => &[Self::ClientCredentials],
            ClientKind::App => &[Self::AuthorizationCode, Self::RefreshToken],
        }
    }
}

/// Where people read about a client. Nobody has checked what is there.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientLinks {
    /// Its home page.
    pub client_uri: Option<String>,
    /// Its logo.
    pub logo_uri: Option<String>,
    /// What it does with data.
    pub policy_uri: Option<String>,
    /// Its terms.
    pub tos_uri: Option<String>,
}

/// The public keys of a client that signs (RFC 7517).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKeys {
    /// A set of keys, as JSON.
    Inline(String),
    /// Where the set is fetched.
    At(String),
}

/// Where a client comes from.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientOrigin {
    /// Its account made it.
    #[default]
    Account,
    /// It registered itself (RFC 7591); it manages its registration with this token (RFC 7592).
    Registration(HashedToken),
    /// It is described by a document, whose address is its `client_id`.
    Document(String),
}

/// A token of which only a keyed hash is stored.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HashedToken {
    /// HMAC-SHA-256 under the pepper.
    pub hash: [u8; 32],
    /// Which master key version's pepper.
    pub pepper_version: u8,
}

/// What a client is beside its settings.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientMetadata {
    /// Where browsers may be sent with a code.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it may obtain tokens; empty: what its kind has.
    pub grant_types: Vec<GrantType>,
    /// Where people read about it.
    pub links: ClientLinks,
    /// What it signs with.
    pub keys: Option<ClientKeys>,
    /// Whether it has to send a code challenge (RFC 7636). Without, an old integration of a client
    /// with secrets may leave it out; that is the operator's to allow.
    pub require_pkce: bool,
    /// Whether its authorization requests have to be pushed (RFC 9126 section 6).
    pub require_pushed_authorization_requests: bool,
    /// Whether its tokens have to be bound to a key (RFC 9449 section 5.2).
    pub dpop_bound_access_tokens: bool,
    /// Where it comes from.
    pub origin: ClientOrigin,
}

impl Default for ClientMetadata {
    fn default() -> Self {
        Self {
            redirect_uris: Vec::new(),
            grant_types: Vec::new(),
            links: ClientLinks::default(),
            keys: None,
            require_pkce: true,
            require_pushed_authorization_requests: false,
            dpop_bound_access_tokens: false,
            origin: ClientOrigin::Account,
        }
    }
}

impl ClientMetadata {
    /// How a client of this kind may obtain tokens.
    pub fn grant_types(&self, kind: ClientKind) -> &[GrantType] {
        if self.grant_types.is_empty() {
            GrantType::of_kind(kind)
        } else {
            &self.grant_types
        }
    }

    /// Whether a client of this kind has anything to keep: each app, and whoever is not as all
    /// others are.
    pub fn is_kept(&self, kind: ClientKind) -> bool {
        kind == ClientKind::App || *self != Self::default()
    }

    /// The address of the document that describes it, by which it calls itself.
    pub fn document_url(&self) -> Option<&str> {
        match &self.origin {
            ClientOrigin::Document(url) => Some(url),
            ClientOrigin::Account | ClientOrigin::Registration(_) => None,
        }
    }
}

/// The row of a client's metadata: the text that was sealed, which is only then read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetadataRow {
    /// The client.
    pub client_id: ClientId,
    /// [`ClientMetadata`] as JSON.
    pub metadata: String,
    /// The address of the document that describes it.
    pub document_url: Option<String>,
    /// Counts changes of the client's row: both are written together.
    pub version: i64,
}

impl Sealed for MetadataRow {
    const TABLE: &'static str = "client_metadata";

    fn columns(&self, columns: &mut Columns) {
        columns
            .shown(self.client_id)
            .text(&self.metadata)
            .optional(self.document_url.as_deref(), Columns::text)
            .int(self.version);
    }
}
