//! Signing keys: what access tokens are signed with, and verified by.

use crate::apis::SigningAlgorithm;
use crate::ids::SigningKeyId;
use crate::seal::{Columns, Sealed};
use crate::time::UnixMillis;

/// A signing key. Its life: published, then signing, then retired but published until the last
/// token that it signed has expired.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SigningKey {
    /// Its id: the `kid` of its tokens.
    pub id: SigningKeyId,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// Its place among the keys of its algorithm, from one: two nodes cannot make the same one.
    pub generation: i64,
    /// The public half as a JWK (RFC 7517), without `kid`, `alg` and `use`: JSON text.
    pub public_jwk: String,
    /// The private half in PKCS #8, encrypted under the key-encryption key.
    pub sealed_private: Vec<u8>,
    /// When it was made, and published.
    pub created_at: UnixMillis,
    /// From when it signs.
    pub signs_from: UnixMillis,
    /// Until when it is published; none while it has no successor.
    pub published_until: Option<UnixMillis>,
    /// Counts changes of the row.
    pub version: i64,
}

impl SigningKey {
    /// Whether verifiers know it at `now`.
    pub fn is_published(&self, now: UnixMillis) -> bool {
        self.published_until.is_none_or(|end| end > now)
    }

    /// What the private half is encrypted for: it opens as this key alone.
    pub fn context(id: SigningKeyId) -> Vec<u8> {
        format!("signing key {id}").into_bytes()
    }
}

impl Sealed for SigningKey {
    const TABLE: &'static str = "signing_keys";

    fn columns(&self, columns: &mut Columns) {
        columns
            .shown(self.id)
            .text(self.algorithm.as_str())
            .int(self.generation)
            .text(&self.public_jwk)
            .bytes(&self.sealed_private)
            .time(self.created_at)
            .time(self.signs_from)
            .optional(self.published_until, Columns::time)
            .int(self.version);
    }
}
