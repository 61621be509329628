//! Sets of public keys (RFC 7517 section 5).

use serde_json::Value;

use super::{BadKey, ClientAlgorithm, PublicKey, SignedText, json};

/// The longest set that is read, in bytes.
pub const KEY_SET_LENGTH_MAX: usize = 64 * 1024;
/// The most keys of a set.
pub const KEYS_MAX: usize = 20;

/// The keys of a client. Those that we cannot use are left out (RFC 7517 section 5).
#[derive(Debug)]
pub struct KeySet(Vec<PublicKey>);

/// Why a set of keys is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadKeySet {
    /// Longer than [`KEY_SET_LENGTH_MAX`].
    #[error("must be at most {KEY_SET_LENGTH_MAX} bytes")]
    TooLong,
    /// No JSON object with an array of objects as `keys`.
    #[error("must be a JSON object with a list of keys, without a member that stands twice")]
    Shape,
    /// More than [`KEYS_MAX`] keys.
    #[error("must have at most {KEYS_MAX} keys")]
    TooMany,
    /// A key of it is private or symmetric.
    #[error("must have public keys alone: make a new key and send its public half")]
    Private,
    /// None of its keys can be used.
    #[error(
        "must have a key for ES256 (EC with P-256), EdDSA (Ed25519), or PS256 and RS256 (RSA with \
         2048 to 8192 bits)"
    )]
    Useless,
}

impl KeySet {
    /// Reads a set.
    ///
    /// # Errors
    /// What is wrong with the set as a whole; a private key in it is.
    pub fn parse(text: &str) -> Result<Self, BadKeySet> {
        if text.len() > KEY_SET_LENGTH_MAX {
            return Err(BadKeySet::TooLong);
        }
        let set = json::object(text.as_bytes()).ok_or(BadKeySet::Shape)?;
        let Some(Value::Array(members)) = set.get("keys") else {
            return Err(BadKeySet::Shape);
        };
        if members.len() > KEYS_MAX {
            return Err(BadKeySet::TooMany);
        }
        let mut keys = Vec::new();
        for member in members {
            match PublicKey::from_jwk(member.as_object().ok_or(BadKeySet::Shape)?) {
                Ok(key) => keys.push(key),
                Err(BadKey::Private) => return Err(BadKeySet::Private),
                Err(_) => {}
            }
        }
        if keys.is_empty() {
            return Err(BadKeySet::Useless);
        }
        Ok(Self(keys))
    }

    /// Its keys.
    pub fn keys(&self) -> &[PublicKey] {
        &self.0
    }

    /// Whether it has a key that may have signed `text`, by its name and its algorithm.
    pub fn has_candidate(&self, text: &SignedText<'_>) -> bool {
        self.candidates(text).next().is_some()
    }

    /// Whether one of the keys signed `text`.
    pub fn has_signed(&self, text: &SignedText<'_>) -> bool {
        self.candidates(text).any(|key| text.is_signed_by(key))
    }

    /// The keys of the right name, or all where none is named, that sign with the algorithm.
    fn candidates(&self, text: &SignedText<'_>) -> impl Iterator<Item = &PublicKey> {
        let algorithm: ClientAlgorithm = text.algorithm;
        let named = text.key_id.clone();
        self.0.iter().filter(move |key| {
            let is_named = named.is_none() || named == key.key_id;
            is_named && key.signs_with(algorithm)
        })
    }
}
