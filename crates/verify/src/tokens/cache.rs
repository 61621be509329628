//! The tokens whose signature is known to be good, so that it is checked once.

use std::fmt;
use std::sync::Arc;

use claviger_model::keyring::Keyring;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::verified::VerifiedToken;

/// The most memory that remembered tokens take, in bytes, by their own estimate.
pub(crate) const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What a token usually takes.
const BYTES_USUAL: u64 = 500;

/// The digest of a token under a key that nobody knows. All of it is compared, so that nobody can
/// make a text that is taken for another one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; 16]);

/// Verified tokens by their digest. Those that are not used make room for others.
pub(crate) struct TokenCache(Cache<Digest, Arc<VerifiedToken>, ByBytes>);

#[derive(Clone)]
struct ByBytes;

impl Digest {
    /// The digest of `token`. Does not allocate.
    pub(crate) fn of(token: &str, keyring: &Keyring) -> Self {
        Self(keyring.token_digest(token))
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

    /// How much memory they take, about.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.weight()
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use claviger_model::accounts::{Account, AccountStatus};
    use claviger_model::apis::SigningAlgorithm;
    use claviger_model::clients::{
        Client, ClientCeilings, ClientDraft, ClientKind, ClientSettings, ClientState, ScopesDraft,
        subject,
    };
    use claviger_model::ids::{AccountId, ClientId, SecretId, SigningKeyId, TokenId};
    use claviger_model::keyring::master_key_line;
    use claviger_model::tokens::{Audience, Claims, TokenGrant};
    use claviger_model::{Environment, UnixMillis};

    use super::*;
    use crate::index::Index;
    use crate::tokens::VerifyingKey;

    const CLIENT: ClientId = ClientId(1);
    const KEY: SigningKeyId = SigningKeyId(1);

    fn keyring() -> Keyring {
        Keyring::parse(&master_key_line(1, &[7; 32])).unwrap()
    }

    fn index() -> Index {
        let index = Index::default();
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let unusable = index.set_signing_keys(&[VerifyingKey {
            id: KEY,
            algorithm: SigningAlgorithm::EdDsa,
            public_key: pair.public_key().as_ref().to_vec(),
        }]);
        assert_eq!(unusable, []);
        index.put_account(&Account {
            id: AccountId(1),
            name: "Acme".into(),
            status: AccountStatus::Active,
            created_at: UnixMillis(1),
            version: 1,
        });
        let draft = ClientDraft {
            name: Some("Nightly Sync".into()),
            scopes: Some(ScopesDraft::Named(vec!["read:leads".into()])),
            ..ClientDraft::default()
        };
        let client = Client {
            id: CLIENT,
            account_id: AccountId(1),
            kind: ClientKind::Machine,
            environment: Environment::Live,
            settings: ClientSettings::create(&draft).unwrap(),
            ceilings: ClientCeilings::default(),
            state: ClientState::Active,
            created_by: "usr_x".into(),
            created_at: UnixMillis(1),
            version: 1,
        };
        index.put_client(&client, &[], None);
        index
    }

    fn token(index: &Index, number: u128, scopes: usize) -> Arc<VerifiedToken> {
        let scopes: Vec<String> = (0..scopes).map(|at| format!("{number}:{at}")).collect();
        let claims = Claims {
            iss: "https://auth.acme.test".into(),
            sub: subject(CLIENT),
            aud: Audience::One("https://api.acme.test".into()),
            iat: 1,
            exp: 2,
            nbf: None,
            jti: TokenId(number),
            client_id: CLIENT.to_string(),
            azp: CLIENT,
            scope: scopes.join(" "),
            gty: TokenGrant::ClientCredentials,
            env: Environment::Live,
            account: AccountId(1),
            epoch: 1,
            secret: Some(SecretId(1)),
            all_scopes: false,
            grant: None,
            family: None,
            generation: None,
            cnf: None,
        };
        let key = Arc::clone(index.signing_keys().find(KEY).unwrap());
        Arc::new(VerifiedToken::new(&claims, key, index).unwrap())
    }

    #[test]
    fn what_is_remembered_stays_within_its_bound_whatever_tokens_say() {
        let index = index();
        let known = index.scopes().known();
        let (bound, keyring) = (256 * 1024, keyring());
        let cache = TokenCache::with_capacity(bound);
        for number in 0..3_000 {
            let scopes = if number % 3 == 0 { 60 } else { 1 };
            let token = token(&index, number, scopes);
            cache.put(Digest::of(&number.to_string(), &keyring), token);
            assert!(cache.bytes() <= bound, "{} bytes", cache.bytes());
        }
        assert!((20..1_000).contains(&cache.len()), "{}", cache.len());
        // Nothing of a token is kept anywhere else: their scopes get no numbers.
        assert_eq!(index.scopes().known(), known);
    }

    #[test]
    fn a_token_that_takes_more_than_there_is_is_not_remembered() {
        let index = index();
        let cache = TokenCache::with_capacity(4_096);
        let digest = Digest::of("huge", &keyring());
        cache.put(digest, token(&index, 1, 2_000));
        assert!(cache.bytes() <= 4_096 && cache.find(&digest).is_none());
    }
}
