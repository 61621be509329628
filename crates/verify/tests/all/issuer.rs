//! A machine client and an issuer of its tokens: honest ones, and whatever a test has it write.

use std::sync::LazyLock;

use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
};
use aws_lc_rs::test::rand::FixedByteRandom;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_model::Environment;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::clients::{
    Client, ClientCeilings, ClientKind, ClientScopes, ClientSecret, ClientSettings, ClientState,
    subject,
};
use claviger_model::credentials::StoredSecret;
use claviger_model::ids::{AccountId, ClientId, SecretId, SigningKeyId, TokenId};
use claviger_model::scopes::ScopeName;
use claviger_model::secret::{MINT_RANDOM_BYTES, Plaintext};
use claviger_model::tokens::{Audience, Claims, TokenGrant};
use claviger_verify::VerifyingKey;
use serde_json::{Value, json};

use crate::support::{API, ISSUER, Instance, NOW};

pub(crate) const CLIENT: ClientId = ClientId(40);
pub(crate) const SECRET: SecretId = SecretId(41);

pub(crate) enum Signer {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

/// One key of each algorithm: ids 1 (ES256), 2 (RS256), 3 (`EdDSA`), and 4, that nobody publishes.
pub(crate) static KEYS: LazyLock<[(SigningKeyId, Signer); 4]> = LazyLock::new(|| {
    let ecdsa = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    [
        (SigningKeyId(1), Signer::Es256(ecdsa())),
        (
            SigningKeyId(2),
            Signer::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
        ),
        (
            SigningKeyId(3),
            Signer::EdDsa(Ed25519KeyPair::generate().unwrap()),
        ),
        (SigningKeyId(4), Signer::Es256(ecdsa())),
    ]
});

impl Signer {
    pub(crate) fn algorithm(&self) -> SigningAlgorithm {
        match self {
            Self::Es256(_) => SigningAlgorithm::Es256,
            Self::Rs256(_) => SigningAlgorithm::Rs256,
            Self::EdDsa(_) => SigningAlgorithm::EdDsa,
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        // Asked for by the signatures of the calls; the library draws its own.
        let random = FixedByteRandom { byte: 7 };
        match self {
            Self::Es256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            Self::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    pub(crate) fn public_key(&self) -> Vec<u8> {
        match self {
            Self::Es256(pair) => pair.public_key().as_ref().to_vec(),
            Self::Rs256(pair) => pair.public_key().as_ref().to_vec(),
            Self::EdDsa(pair) => pair.public_key().as_ref().to_vec(),
        }
    }
}

/// What verifiers are told of the key with this number.
pub(crate) fn published(number: usize) -> VerifyingKey {
    let (id, signer) = &KEYS[number - 1];
    VerifyingKey {
        id: *id,
        algorithm: signer.algorithm(),
        public_key: signer.public_key(),
    }
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The header of tokens by the key with this number.
pub(crate) fn header(number: usize) -> Value {
    let (id, signer) = &KEYS[number - 1];
    json!({"typ": "at+jwt", "alg": signer.algorithm().as_str(), "kid": id})
}

/// A token of exactly this text, signed by the key with this number.
pub(crate) fn signed_text(header: &str, claims: &str, number: usize) -> String {
    let signed = format!("{}.{}", base64(header), base64(claims));
    let signature = KEYS[number - 1].1.sign(signed.as_bytes());
    format!("{signed}.{}", base64(signature))
}

/// The token that an issuer makes of `claims`, signed by the key with this number.
pub(crate) fn signed(claims: &Claims, number: usize) -> String {
    let claims = serde_json::to_string(claims).unwrap();
    signed_text(&header(number).to_string(), &claims, number)
}

/// What a good token for the default API says.
pub(crate) fn claims() -> Claims {
    let now = NOW.wall.0 / 1_000;
    Claims {
        iss: ISSUER.into(),
        sub: subject(CLIENT),
        aud: Audience::One(API.into()),
        iat: now,
        exp: now + 3_600,
        nbf: None,
        jti: TokenId(50),
        client_id: CLIENT.to_string(),
        azp: CLIENT,
        scope: "read:leads".into(),
        gty: TokenGrant::ClientCredentials,
        env: Environment::Live,
        account: AccountId(1),
        epoch: 7,
        secret: Some(SECRET),
        all_scopes: false,
        grant: None,
        family: None,
        generation: None,
        cnf: None,
    }
}

/// The client of [`claims`], with these scopes.
pub(crate) fn client(scopes: &[&str]) -> Client {
    let names = scopes.iter().map(|name| ScopeName::new(name).unwrap());
    Client {
        id: CLIENT,
        account_id: AccountId(1),
        kind: ClientKind::Machine,
        environment: Environment::Live,
        settings: ClientSettings {
            name: "Nightly Sync".into(),
            description: String::new(),
            scopes: ClientScopes::Named(names.collect()),
            api_id: None,
            token_lifetime_seconds: None,
            tokens_per_day: None,
            quota_mode: None,
            auth_method: None,
        },
        ceilings: ClientCeilings::default(),
        state: ClientState::Active,
        created_by: "usr_x".into(),
        created_at: NOW.wall,
        version: 1,
    }
}

/// A secret of a client, and its row.
pub(crate) fn client_secret(
    instance: &Instance,
    client: ClientId,
    id: SecretId,
) -> (Plaintext, ClientSecret) {
    let number = u8::try_from(id.0).unwrap();
    let mut random = [0; MINT_RANDOM_BYTES];
    random
        .iter_mut()
        .zip(0u8..)
        .for_each(|(slot, at)| *slot = number ^ at.wrapping_mul(5));
    let secret = Plaintext::mint("cs_live_", &random).unwrap();
    let row = ClientSecret {
        id,
        client_id: client,
        stored: StoredSecret::of(&secret, &instance.keyring),
        description: String::new(),
        created_at: NOW.wall,
        expires_at: None,
        revoked_at: None,
        revoked_by: None,
        version: 1,
    };
    (secret, row)
}

impl Instance {
    /// An instance that publishes the first three keys and knows the client of [`claims`].
    pub(crate) fn with_client() -> Self {
        let instance = Self::new();
        let keys = [published(1), published(2), published(3)];
        assert_eq!(instance.verifier.index().set_signing_keys(&keys), []);
        instance.put_client(&client(&["read:leads", "write:leads"]));
        instance
    }

    /// Holds `client` by its first secret, and gives that.
    pub(crate) fn put_client(&self, client: &Client) -> Plaintext {
        let (secret, row) = client_secret(self, client.id, SECRET);
        self.verifier.index().put_client(client, &[row], None);
        secret
    }
}
