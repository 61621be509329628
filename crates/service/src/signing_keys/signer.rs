//! The signer: the published keys of this node, parsed, and the set of their public halves.
//!
//! Law: it knows no database and no application. The follower hands it the rows, as it hands the
//! index what is verified with.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_model::UnixMillis;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::keyring::Keyring;
use claviger_model::signing_keys::{SigningKey, signing};
use claviger_model::tokens::ACCESS_TOKEN_TYPE;
use claviger_verify::{Index, VerifyingKey};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::pair::Pair;
use crate::error::Error;
use crate::sources::Sources;

/// The members of a public key (RFC 7518 section 6, RFC 8037 section 2): no other is ever shown.
const PUBLIC_MEMBERS: [&str; 6] = ["kty", "crv", "x", "y", "n", "e"];
/// Bytes of the tag of a JWKS.
const TAG_BYTES: usize = 12;

/// Signs tokens with the published keys. Reads take no lock.
pub struct Signer {
    keyring: Arc<Keyring>,
    random: SystemRandom,
    held: ArcSwap<Held>,
    /// Held while the keys are replaced, so that index and signer agree.
    replacing: Mutex<()>,
    /// Held while a first key is made: once for all who wait for it.
    pub(super) making: tokio::sync::Mutex<()>,
}

/// The set of public keys (RFC 7517 section 5), rendered.
#[derive(Debug)]
pub struct Jwks {
    /// The JSON text.
    pub json: String,
    /// Differs when the text does.
    pub tag: String,
}

/// There is no key to sign with.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("there is no signing key for {}", .0.as_str())]
pub struct NoSigningKey(pub SigningAlgorithm);

struct Held {
    keys: Vec<Arc<HeldKey>>,
    jwks: Arc<Jwks>,
}

struct HeldKey {
    row: SigningKey,
    pair: Arc<Pair>,
    /// The header of an access token, encoded.
    header: String,
}

impl AsRef<SigningKey> for HeldKey {
    fn as_ref(&self) -> &SigningKey {
        &self.row
    }
}

impl Signer {
    /// A signer without keys.
    pub fn new(keyring: Arc<Keyring>, sources: &Sources) -> Self {
        let held = Held {
            keys: Vec::new(),
            jwks: Arc::new(jwks(&[])),
        };
        Self {
            keyring,
            random: sources.system_random(),
            held: ArcSwap::from_pointee(held),
            replacing: Mutex::default(),
            making: tokio::sync::Mutex::default(),
        }
    }

    /// A token in the compact form of JWS (RFC 7515 section 7.1): `claims` under a header with
    /// this `typ`, signed with the key that signs at `now`.
    ///
    /// # Errors
    /// There is no key for the algorithm; see [`super::ensure`].
    pub fn sign(
        &self,
        algorithm: SigningAlgorithm,
        claims: &impl Serialize,
        token_type: &'static str,
        now: UnixMillis,
    ) -> Result<String, Error> {
        let held = self.held.load();
        let key = held
            .signing(algorithm, now)
            .ok_or_else(|| Error::internal(NoSigningKey(algorithm)))?;
        let claims = serde_json::to_vec(claims).map_err(Error::internal)?;
        let own_header;
        let header = if token_type == ACCESS_TOKEN_TYPE {
            &key.header
        } else {
            own_header = header(&key.row, token_type);
            &own_header
        };
        let encoded = |bytes: usize| bytes.div_ceil(3) * 4;
        let mut token = String::with_capacity(
            header.len() + encoded(claims.len()) + encoded(key.pair.signature_bytes()) + 2,
        );
        token.push_str(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&claims, &mut token);
        let signature = key.pair.sign(&self.random, token.as_bytes());
        let signature = signature.ok_or_else(|| Error::internal(NoSigningKey(algorithm)))?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&signature, &mut token);
        Ok(token)
    }

    /// Whether there is a key for the algorithm.
    pub fn can_sign(&self, algorithm: SigningAlgorithm, now: UnixMillis) -> bool {
        self.held.load().signing(algorithm, now).is_some()
    }

    /// The public halves of the published keys.
    pub fn jwks(&self) -> Arc<Jwks> {
        Arc::clone(&self.held.load().jwks)
    }

    /// Holds those of `rows`, which are all there are, that are published at `now`, and tells
    /// `index` what to verify with. One whose private half cannot be opened is left out and told
    /// of.
    pub fn hold(&self, rows: Vec<SigningKey>, index: &Index, now: UnixMillis) {
        let _turn = self
            .replacing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = self.held.load_full();
        let published = rows.into_iter().filter(|row| row.is_published(now));
        let keys = published.filter_map(|row| self.opened(row, &before));
        self.replace(keys.map(Arc::new).collect(), index);
    }

    /// Lets go of the keys whose last token has expired by `now`.
    pub(crate) fn retire(&self, index: &Index, now: UnixMillis) {
        let _turn = self
            .replacing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = self.held.load_full();
        let published = before.keys.iter().filter(|key| key.row.is_published(now));
        let keys: Vec<Arc<HeldKey>> = published.cloned().collect();
        if keys.len() < before.keys.len() {
            self.replace(keys, index);
        }
    }

    fn replace(&self, keys: Vec<Arc<HeldKey>>, index: &Index) {
        let verifying: Vec<VerifyingKey> = keys
            .iter()
            .map(|key| VerifyingKey {
                id: key.row.id,
                algorithm: key.row.algorithm,
                public_key: key.pair.public_key().to_vec(),
            })
            .collect();
        for id in index.set_signing_keys(&verifying) {
            tracing::error!(%id, "a signing key cannot be verified with");
        }
        let jwks = Arc::new(jwks(&keys));
        self.held.store(Arc::new(Held { keys, jwks }));
    }

    /// The key of a row; its pair from before, if it was held.
    fn opened(&self, row: SigningKey, before: &Held) -> Option<HeldKey> {
        let known = before.keys.iter().find(|key| key.row.id == row.id);
        let pair = known.map(|key| Arc::clone(&key.pair)).or_else(|| {
            let context = SigningKey::context(row.id);
            let pkcs8 = self.keyring.decrypt(&context, &row.sealed_private).ok()?;
            Pair::parse(row.algorithm, &pkcs8).map(Arc::new)
        });
        let Some(pair) = pair else {
            tracing::error!(id = %row.id, "the private half of a signing key cannot be opened");
            return None;
        };
        let header = header(&row, ACCESS_TOKEN_TYPE);
        Some(HeldKey { row, pair, header })
    }
}

impl Held {
    fn signing(&self, algorithm: SigningAlgorithm, now: UnixMillis) -> Option<&HeldKey> {
        signing(self.keys.iter().map(|key| &**key), algorithm, now)
    }
}

fn header(key: &SigningKey, token_type: &str) -> String {
    let alg = key.algorithm.as_str();
    let header = json!({"typ": token_type, "alg": alg, "kid": key.id});
    URL_SAFE_NO_PAD.encode(header.to_string())
}

fn jwks(keys: &[Arc<HeldKey>]) -> Jwks {
    let keys: Vec<Value> = keys.iter().map(|key| jwk(&key.row)).collect();
    let json = json!({ "keys": keys }).to_string();
    let digest = digest::digest(&digest::SHA256, json.as_bytes());
    let tag = URL_SAFE_NO_PAD.encode(&digest.as_ref()[..TAG_BYTES]);
    Jwks { json, tag }
}

fn jwk(key: &SigningKey) -> Value {
    let stored: Map<String, Value> = serde_json::from_str(&key.public_jwk).unwrap_or_default();
    let public = stored
        .into_iter()
        .filter(|(name, _)| PUBLIC_MEMBERS.contains(&name.as_str()));
    let mut jwk: Map<String, Value> = public.collect();
    jwk.insert("use".to_owned(), json!("sig"));
    jwk.insert("alg".to_owned(), json!(key.algorithm.as_str()));
    jwk.insert("kid".to_owned(), json!(key.id));
    Value::Object(jwk)
}
