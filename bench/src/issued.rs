//! Access tokens as the token endpoint issues them: a hundred clients, ES256.

use anyhow::{Result, anyhow};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_model::Environment;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::clients::{
    Client, ClientCeilings, ClientDraft, ClientKind, ClientSecret, ClientSettings, ClientState,
    ScopesDraft, subject,
};
use claviger_model::credentials::StoredSecret;
use claviger_model::ids::{AccountId, ClientId, SecretId, SigningKeyId, TokenId};
use claviger_model::keyring::Keyring;
use claviger_model::tokens::{ACCESS_TOKEN_TYPE, Audience, Claims, TokenGrant};
use claviger_verify::{Index, VerifyingKey};

use crate::resident::{NOW, minted};

pub(crate) const ISSUER: &str = "https://auth.acme.test";
/// The audience of the API that the tokens are for.
pub(crate) const AUDIENCE: &str = "https://api.acme.test";
const CLIENTS: u64 = 100;
const KEY: SigningKeyId = SigningKeyId(1);

/// Puts the clients and the key of `count` tokens into `index`, and gives the tokens.
pub(crate) fn tokens(index: &Index, keyring: &Keyring, count: u64) -> Result<Vec<String>> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let key = VerifyingKey {
        id: KEY,
        algorithm: SigningAlgorithm::Es256,
        public_key: pair.public_key().as_ref().to_vec(),
    };
    index.set_signing_keys(&[key]);
    for number in 0..CLIENTS {
        put_client(index, keyring, number)?;
    }
    (0..count).map(|number| token(&pair, number)).collect()
}

/// What the floor finds a token by.
pub(crate) fn hash(token: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    bytes
}

fn put_client(index: &Index, keyring: &Keyring, number: u64) -> Result<()> {
    let draft = ClientDraft {
        name: Some("Nightly Sync".to_owned()),
        scopes: Some(ScopesDraft::Named(vec![
            "read:leads".to_owned(),
            "write:leads".to_owned(),
        ])),
        ..ClientDraft::default()
    };
    let client = Client {
        id: ClientId(number.into()),
        account_id: AccountId(1),
        kind: ClientKind::Machine,
        environment: Environment::Live,
        settings: ClientSettings::create(&draft)?,
        ceilings: ClientCeilings::default(),
        state: ClientState::Active,
        created_by: "bench".to_owned(),
        created_at: NOW.wall,
        version: 1,
    };
    let secret = minted(1_000_000 + number).ok_or_else(|| anyhow!("enough digits"))?;
    let row = ClientSecret {
        id: SecretId(number.into()),
        client_id: client.id,
        stored: StoredSecret::of(&secret, keyring),
        description: String::new(),
        created_at: NOW.wall,
        expires_at: None,
        revoked_at: None,
        revoked_by: None,
        version: 1,
    };
    index.put_client(&client, &[row], None);
    Ok(())
}

/// The claims of a token.
pub(crate) fn claims(number: u64) -> Claims {
    let client = ClientId((number % CLIENTS).into());
    let issued_at = NOW.wall.0 / 1_000;
    Claims {
        iss: ISSUER.to_owned(),
        sub: subject(client),
        aud: Audience::One(AUDIENCE.to_owned()),
        iat: issued_at,
        exp: issued_at + 3_600,
        nbf: None,
        jti: TokenId(number.into()),
        client_id: client.to_string(),
        azp: client,
        scope: "read:leads write:leads".to_owned(),
        gty: TokenGrant::ClientCredentials,
        env: Environment::Live,
        account: AccountId(1),
        epoch: 1,
        secret: Some(SecretId(client.0)),
        grant: None,
        family: None,
        generation: None,
        cnf: None,
        all_scopes: false,
    }
}

fn token(pair: &EcdsaKeyPair, number: u64) -> Result<String> {
    let header = serde_json::json!({
        "typ": ACCESS_TOKEN_TYPE,
        "alg": SigningAlgorithm::Es256.as_str(),
        "kid": KEY,
    });
    let base64 = |json: String| URL_SAFE_NO_PAD.encode(json);
    let claims = base64(serde_json::to_string(&claims(number))?);
    let signed = format!("{}.{claims}", base64(header.to_string()));
    let signature = pair.sign(&SystemRandom::new(), signed.as_bytes())?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
