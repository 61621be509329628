//! Apps and codes for tests, without the pages on which people make and allow them.

use claviger_model::Environment;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::clients::{
    Client, ClientCeilings, ClientKind, ClientMetadata, ClientSecret, ClientSettings, ClientState,
};
use claviger_model::codes::{AuthorizationCode, CODE_LIFETIME_MILLIS, CODE_PREFIX};
use claviger_model::credentials::StoredSecret;
use claviger_model::grants::Authorized;
use claviger_model::ids::{AccountId, ClientId, GrantId, SecretId, UserId};
use claviger_model::secret::Plaintext;
use claviger_store::{Tx, authorization_codes, clients};

use super::done;
use crate::access::Signature;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::grants::{Consent, give};

/// What a user allows, and where the code is sent.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// The app.
    pub client_id: ClientId,
    /// Who allows it.
    pub user_id: UserId,
    /// Where the app may act.
    pub account_id: AccountId,
    /// What it may do.
    pub authorized: Authorized,
    /// Where the code is sent.
    pub redirect_uri: String,
    /// Whether the request named that.
    pub is_redirect_uri_named: bool,
    /// The code challenge.
    pub challenge: Option<String>,
}

/// Makes an app of an account, with a secret that a public one cannot use.
pub async fn make_app(
    app: &App,
    account_id: AccountId,
    settings: ClientSettings,
    metadata: ClientMetadata,
) -> (ClientId, Plaintext) {
    let now = app.sources().now();
    let plaintext = done(app.sources().mint("cs_live_"));
    let client = Client {
        id: ClientId::new(now, &done(app.sources().id())),
        account_id,
        kind: ClientKind::App,
        environment: Environment::Live,
        settings,
        ceilings: ClientCeilings::default(),
        state: ClientState::Active,
        created_by: "test".to_owned(),
        created_at: now,
        version: 1,
    };
    let secret = ClientSecret {
        id: SecretId::new(now, &done(app.sources().id())),
        client_id: client.id,
        stored: StoredSecret::of(&plaintext, app.keyring()),
        description: String::new(),
        created_at: now,
        expires_at: None,
        revoked_at: None,
        revoked_by: None,
        version: 1,
    };
    let id = client.id;
    let made = app.change(Effect::Grants, move |tx: &mut Tx| {
        let (client, secret, metadata) = (client.clone(), secret.clone(), metadata.clone());
        Box::pin(async move {
            clients::insert(tx, &client).await?;
            clients::insert_metadata(tx, client.id, &metadata, client.version).await?;
            clients::insert_secret(tx, &secret).await?;
            tx.change(Change::new(ChangeKind::Client, client.id));
            Ok::<_, Error>(())
        })
    });
    done(made.await);
    (id, plaintext)
}

/// A code, as the authorization endpoint gives it once the user has agreed; and what the user
/// allowed.
pub async fn make_code(app: &App, allowed: &Allowed) -> (Plaintext, GrantId) {
    let now = app.sources().now();
    let plaintext = done(app.sources().mint(CODE_PREFIX));
    let stored = StoredSecret::of(&plaintext, app.keyring());
    let (inside, allowed) = (app.clone(), allowed.clone());
    let made = app.change(Effect::Grants, move |tx: &mut Tx| {
        let (app, allowed, stored) = (inside.clone(), allowed.clone(), stored.clone());
        Box::pin(async move {
            let consent = Consent {
                client_id: allowed.client_id,
                user_id: allowed.user_id,
                account_id: allowed.account_id,
                scopes: allowed.authorized.scopes.clone(),
            };
            let signature = Signature::of(allowed.user_id.to_string(), None, None);
            let grant = give(tx, &app, &consent, &signature).await?;
            let code = AuthorizationCode {
                stored,
                client_id: allowed.client_id,
                grant_id: grant.id,
                redirect_uri: allowed.redirect_uri,
                is_redirect_uri_named: allowed.is_redirect_uri_named,
                challenge: allowed.challenge,
                authorized: allowed.authorized,
                created_at: now,
                expires_at: now.plus_millis(CODE_LIFETIME_MILLIS),
                used: None,
                version: 1,
            };
            authorization_codes::insert(tx, &code).await?;
            Ok::<_, Error>(grant.id)
        })
    });
    (plaintext, done(made.await))
}
