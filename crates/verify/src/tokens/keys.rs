//! The published signing keys: what a token's signature is checked with.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    VerificationAlgorithm,
};
use claviger_model::apis::SigningAlgorithm;
use claviger_model::ids::SigningKeyId;

/// The public half of a signing key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifyingKey {
    /// Its id: the `kid` of its tokens.
    pub id: SigningKeyId,
    /// The only algorithm that it signs with.
    pub algorithm: SigningAlgorithm,
    /// The key: of ES256 the uncompressed point (65 bytes), of RS256 an `RSAPublicKey` in DER
    /// (RFC 8017 appendix A.1.1), of `EdDSA` 32 bytes.
    pub public_key: Vec<u8>,
}

/// A key that is published, ready for use.
pub(crate) struct PublishedKey {
    key: VerifyingKey,
    parsed: ParsedPublicKey,
}

/// All keys that are published. Replaced whole when one changes.
#[derive(Debug, Default)]
pub(crate) struct PublishedKeys(Vec<Arc<PublishedKey>>);

impl PublishedKey {
    /// Whether this key made `signature` over `signed`, and with its own algorithm.
    pub(crate) fn has_signed(
        &self,
        algorithm: SigningAlgorithm,
        signed: &str,
        signature: &[u8],
    ) -> bool {
        self.key.algorithm == algorithm
            && self.parsed.verify_sig(signed.as_bytes(), signature).is_ok()
    }
}

impl fmt::Debug for PublishedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublishedKey({})", self.key.id)
    }
}

impl PublishedKeys {
    /// These keys, of which those that `before` has too stay the same, and the ids of those that
    /// cannot be used.
    pub(crate) fn new(keys: &[VerifyingKey], before: &Self) -> (Self, Vec<SigningKeyId>) {
        let mut published = Vec::with_capacity(keys.len());
        let mut unusable = Vec::new();
        for key in keys {
            let kept = before.0.iter().find(|known| known.key == *key).cloned();
            match kept.or_else(|| parsed(key).map(Arc::new)) {
                Some(key) => published.push(key),
                None => unusable.push(key.id),
            }
        }
        (Self(published), unusable)
    }

    /// The key called `id`. There are a handful.
    pub(crate) fn find(&self, id: SigningKeyId) -> Option<&Arc<PublishedKey>> {
        self.0.iter().find(|published| published.key.id == id)
    }

    /// Whether this very key is still published.
    pub(crate) fn contain(&self, key: &Arc<PublishedKey>) -> bool {
        self.0.iter().any(|published| Arc::ptr_eq(published, key))
    }
}

fn parsed(key: &VerifyingKey) -> Option<PublishedKey> {
    let algorithm: &'static dyn VerificationAlgorithm = match key.algorithm {
        SigningAlgorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
        SigningAlgorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        SigningAlgorithm::EdDsa => &ED25519,
    };
    Some(PublishedKey {
        key: key.clone(),
        parsed: ParsedPublicKey::new(algorithm, &key.public_key).ok()?,
    })
}
