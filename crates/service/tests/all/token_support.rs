//! A client in the index, and tokens of it, without the endpoint that issues them.

use std::time::Duration;

use claviger_model::apis::SigningAlgorithm;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::clients::{
    Client, ClientCeilings, ClientKind, ClientScopes, ClientSecret, ClientSettings, ClientState,
};
use claviger_model::credentials::StoredSecret;
use claviger_model::ids::{ClientId, SecretId, TokenId};
use claviger_model::tokens::{ACCESS_TOKEN_TYPE, Audience, Claims, TokenGrant};
use claviger_model::{Environment, Reason};
use claviger_service::testing::TestApp;
use claviger_store::{StoreError, clients};

pub(crate) const CLIENT: ClientId = ClientId(40);
const SECRET: SecretId = SecretId(41);

/// Makes a client of the account that may do everything.
pub(crate) async fn make_client(test: &TestApp) {
    let now = test.app.sources().now();
    let client = Client {
        id: CLIENT,
        account_id: test.account.id,
        kind: ClientKind::Machine,
        environment: Environment::Live,
        settings: ClientSettings {
            name: "Nightly sync".into(),
            description: String::new(),
            scopes: ClientScopes::All,
            api_id: None,
            token_lifetime_seconds: None,
            tokens_per_day: None,
            quota_mode: None,
            auth_method: None,
        },
        ceilings: ClientCeilings::default(),
        state: ClientState::Active,
        created_by: "usr_x".into(),
        created_at: now,
        version: 1,
    };
    let plaintext = test.app.sources().mint("cs_live_").unwrap();
    let secret = ClientSecret {
        id: SECRET,
        client_id: CLIENT,
        stored: StoredSecret::of(&plaintext, test.app.keyring()),
        description: String::new(),
        created_at: now,
        expires_at: None,
        revoked_at: None,
        revoked_by: None,
        version: 1,
    };
    let made = test.database().db.write(move |tx| {
        let (client, secret) = (client.clone(), secret.clone());
        Box::pin(async move {
            clients::insert(tx, &client).await?;
            clients::insert_secret(tx, &secret).await?;
            tx.change(Change::new(ChangeKind::Client, CLIENT));
            Ok::<_, StoreError>(())
        })
    });
    made.await.unwrap();
    until(async || test.app.verifier().index().client(CLIENT).is_some()).await;
}

/// What a token of the client says that is issued now.
pub(crate) fn claims(test: &TestApp) -> Claims {
    let sources = test.app.sources();
    let now = sources.now();
    Claims {
        iss: test.app.settings().public_url.clone(),
        sub: format!("{CLIENT}@clients"),
        aud: Audience::One("https://api.acme.test".into()),
        iat: now.0 / 1_000,
        exp: now.0 / 1_000 + i64::from(test.app.settings().tokens.lifetime_seconds),
        nbf: None,
        jti: TokenId::new(now, &sources.id().unwrap()),
        client_id: CLIENT.to_string(),
        azp: CLIENT,
        scope: String::new(),
        gty: TokenGrant::ClientCredentials,
        env: Environment::Live,
        account: test.account.id,
        epoch: test.app.verifier().freshness().epoch(),
        secret: Some(SECRET),
        all_scopes: true,
        grant: None,
        family: None,
        generation: None,
        cnf: None,
    }
}

/// A token of the client, issued now.
pub(crate) fn token(test: &TestApp, algorithm: SigningAlgorithm) -> String {
    let now = test.app.sources().now();
    let signer = test.app.signer();
    signer
        .sign(algorithm, &claims(test), ACCESS_TOKEN_TYPE, now)
        .unwrap()
}

/// Moves the wall clock, and waits until the node has heard its heartbeat again.
pub(crate) async fn shift(test: &TestApp, millis: i64) {
    test.app.sources().shift_wall_clock(millis);
    until(async || test.app.readiness().await.is_ok()).await;
}

/// Whether the node takes a token.
pub(crate) fn inspect(test: &TestApp, token: &str) -> Result<(), Reason> {
    let now = test.app.sources().both();
    test.app.verifier().inspect(token, now).map(drop)
}

/// Waits for a condition, for twenty seconds at most.
pub(crate) async fn until(condition: impl AsyncFn() -> bool) {
    let met = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let met = tokio::time::timeout(Duration::from_secs(20), met).await;
    assert!(met.is_ok(), "the condition is not met");
}
