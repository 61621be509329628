//! The tokens whose signature is known to be good, so that it is checked once.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::verified::VerifiedToken;

/// The most memory that remembered tokens take, in bytes, by their own estimate.
pub(crate) const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What a token usually takes.
const BYTES_USUAL: u64 = 640;

/// SHA-256 of a token. All of it is compared, so that nobody can make a text that is taken for
/// another one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; 32]);

/// Verified tokens by their digest. Those that are not used make room for others.
pub(crate) struct TokenCache(Cache<Digest, Arc<VerifiedToken>, ByBytes>);

#[derive(Clone)]
struct ByBytes;

impl Digest {
    /// The digest of `token`. Does not allocate.
    pub(crate) fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

impl Weighter<Digest, Arc<VerifiedToken>> for ByBytes {
    fn weight(&self, _: &Digest, token: &Arc<VerifiedToken>) -> u64 {
        token.bytes
    }
}

impl Default for TokenCache {
    fn default() -> Self {
        Self::with_capacity(BYTES_MAX)
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenCache({} tokens)", self.0.len())
    }
}

impl TokenCache {
    fn with_capacity(bytes: u64) -> Self {
        let usual = usize::try_from(bytes / BYTES_USUAL).unwrap_or(usize::MAX);
        Self(Cache::with_weighter(usual, bytes, ByBytes))
    }

    /// The token with this digest. Does not allocate.
    pub(crate) fn find(&self, digest: &Digest) -> Option<Arc<VerifiedToken>> {
        self.0.get(digest)
    }

    /// Remembers a token.
    pub(crate) fn put(&self, digest: Digest, token: Arc<VerifiedToken>) {
        self.0.insert(digest, token);
    }

    /// Forgets a token.
    pub(crate) fn forget(&self, digest: &Digest) {
        self.0.remove(digest);
    }

    /// How many tokens it remembers.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
