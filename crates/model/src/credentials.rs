//! The kinds of credential, and the secret that stands behind one.

use serde::{Deserialize, Serialize};

use crate::ids::{KeyId, SecretId};
use crate::keyring::Mac;
use crate::seal::{Columns, Sealed};
use crate::secret::Lookup;
use crate::time::UnixMillis;

/// What kind of credential a request carries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// One show-once string, itself the bearer.
    ApiKey,
    /// One unscoped, unexpiring key per account; deprecated.
    LegacyKey,
    /// A JWT from the token endpoint.
    AccessToken,
    /// What signing in gives.
    Session,
    /// A secret of a client, to be exchanged for an access token; no API accepts it.
    ClientSecret,
}

impl CredentialKind {
    /// The kinds that an API can say it accepts.
    pub const ACCEPTABLE: [Self; 4] = [
        Self::ApiKey,
        Self::LegacyKey,
        Self::AccessToken,
        Self::Session,
    ];

    /// The word in JSON and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::LegacyKey => "legacy_key",
            Self::AccessToken => "access_token",
            Self::Session => "session",
            Self::ClientSecret => "client_secret",
        }
    }

    /// The words for people: "API key".
    pub const fn noun(self) -> &'static str {
        match self {
            Self::ApiKey => "API key",
            Self::LegacyKey => "legacy key",
            Self::AccessToken => "access token",
            Self::Session => "session token",
            Self::ClientSecret => "client secret",
        }
    }

    /// The kind that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        let mut kinds = Self::ACCEPTABLE.into_iter().chain([Self::ClientSecret]);
        kinds.find(|kind| kind.as_str() == word)
    }

    /// The acceptable kind that `word` names.
    pub fn parse_acceptable(word: &str) -> Option<Self> {
        Self::ACCEPTABLE
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// The keyed hash of no secret.
pub const PLACEHOLDER: Mac = [0; 32];

/// What is stored of a secret: enough to recognise it, nothing to derive it from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredSecret {
    /// The public identifier inside the secret.
    pub lookup: Lookup,
    /// HMAC-SHA-256 of the whole secret under the pepper.
    pub hash: Mac,
    /// Which master key version's pepper.
    pub pepper_version: u8,
    /// The last four characters.
    pub hint: String,
}

impl StoredSecret {
    /// What to store of `secret`.
    pub fn of(secret: &crate::secret::Plaintext, keyring: &crate::keyring::Keyring) -> Self {
        let (pepper_version, hash) = keyring.hash_new_secret(secret.expose());
        Self {
            lookup: secret.lookup(),
            hash,
            pepper_version,
            hint: secret.hint().to_owned(),
        }
    }

    /// What stands for the secret of a key that was made elsewhere until its first use: nothing
    /// matches it, and `lookup` only names it.
    pub fn placeholder(lookup: Lookup, pepper_version: u8, hint: String) -> Self {
        Self {
            lookup,
            hash: PLACEHOLDER,
            pepper_version,
            hint,
        }
    }

    /// What to store of a key that was made elsewhere, once it was seen.
    pub fn of_foreign(credential: &str, keyring: &crate::keyring::Keyring) -> Self {
        let (pepper_version, hash) = keyring.hash_new_secret(credential);
        let last = credential.char_indices().rev().nth(3);
        Self {
            lookup: Lookup::derived(&hash),
            hash,
            pepper_version,
            hint: last.map_or("", |(at, _)| &credential[at..]).to_owned(),
        }
    }

    /// Whether it is that of a key that was made elsewhere and seen since.
    pub fn is_of_foreign(&self) -> bool {
        self.lookup == Lookup::derived(&self.hash)
    }

    /// Writes its columns for the seal of the row that holds it.
    pub fn columns(&self, columns: &mut Columns) {
        columns
            .text(&self.lookup.to_text())
            .bytes(&self.hash)
            .int(i64::from(self.pepper_version))
            .text(&self.hint);
    }
}

/// One of the secrets of a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeySecret {
    /// Its public id.
    pub id: SecretId,
    /// The key that it belongs to.
    pub key_id: KeyId,
    /// The stored form.
    pub stored: StoredSecret,
    /// When it was issued.
    pub created_at: UnixMillis,
    /// Counts changes of the row.
    pub version: i64,
}

impl Sealed for KeySecret {
    const TABLE: &'static str = "key_secrets";

    fn columns(&self, columns: &mut Columns) {
        columns.shown(self.id).shown(self.key_id);
        self.stored.columns(columns);
        columns.time(self.created_at).int(self.version);
    }
}
