//! Apps that act for users, without the pages on which a user agrees.

use claviger_model::Environment;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::clients::{
    Client, ClientCeilings, ClientKind, ClientMetadata, ClientScopes, ClientSecret, ClientSettings,
    ClientState,
};
use claviger_model::credentials::StoredSecret;
use claviger_model::grants::Grant;
use claviger_model::ids::{AccountId, ClientId, FamilyId, SecretId, TokenId};
use claviger_model::redirect_uris::RedirectUri;
use claviger_model::scopes::ScopeName;
use claviger_model::secret::Plaintext;
use claviger_model::tokens::{ACCESS_TOKEN_TYPE, Audience, Claims, TokenGrant};
use claviger_store::{Tx, clients};

use super::{TestApp, done};
use crate::actor::{Actor, Caller};
use crate::app::{App, Effect};
use crate::error::Error;
use crate::grants::{self, Consent};
use crate::signing_keys;

/// An app with a secret, of the account of a [`TestApp`] or of another one.
#[derive(Clone)]
pub struct ConnectedApp {
    /// The app.
    pub client: Client,
    /// Its secret's id.
    pub secret_id: SecretId,
    /// Its secret.
    pub secret: Plaintext,
}

impl ConnectedApp {
    /// An app that may ask for everything.
    pub async fn make(app: &App, account_id: AccountId) -> Self {
        Self::make_in(app, account_id, Environment::Live).await
    }

    /// The same for the data of an environment.
    pub async fn make_in(app: &App, account_id: AccountId, environment: Environment) -> Self {
        let now = app.sources().now();
        let id = || done(app.sources().id());
        let client = Client {
            id: ClientId::new(now, &id()),
            account_id,
            kind: ClientKind::App,
            environment,
            settings: ClientSettings {
                name: "Campaign Planner".into(),
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
        let secret = done(app.sources().mint("cs_live_"));
        let secret_id = SecretId::new(now, &id());
        let row = ClientSecret {
            id: secret_id,
            client_id: client.id,
            stored: StoredSecret::of(&secret, app.keyring()),
            description: String::new(),
            created_at: now,
            expires_at: None,
            revoked_at: None,
            revoked_by: None,
            version: 1,
        };
        let made = client.clone();
        let metadata = ClientMetadata {
            redirect_uris: vec![done(RedirectUri::new("https://app.example/callback"))],
            ..ClientMetadata::default()
        };
        let written = app.change(Effect::Grants, move |tx: &mut Tx| {
            let (client, row, metadata) = (made.clone(), row.clone(), metadata.clone());
            Box::pin(async move {
                clients::insert(tx, &client).await?;
                clients::insert_secret(tx, &row).await?;
                let version = client.version;
                clients::insert_metadata(tx, client.id, &metadata, version).await?;
                tx.change(Change::new(ChangeKind::Client, client.id));
                Ok::<_, Error>(())
            })
        });
        done(written.await);
        done(signing_keys::ensure(app, SigningAlgorithm::Es256).await);
        Self {
            client,
            secret_id,
            secret,
        }
    }

    /// Has a signed-in user agree to these scopes, where the user is signed in.
    pub async fn consented(&self, app: &App, user: &Caller, scopes: &[&str]) -> Grant {
        let Actor::User(signed_in) = &user.actor else {
            unreachable!("only users agree");
        };
        let place = signed_in.place.as_ref();
        let place = done(place.ok_or("no account"));
        let scope = |name: &&str| done(ScopeName::new(name));
        let consent = Consent {
            client_id: self.client.id,
            user_id: signed_in.user_id,
            account_id: place.account_id,
            scopes: scopes.iter().map(scope).collect(),
        };
        let (app_inside, signature) = (app.clone(), user.signature());
        let given = app.change(Effect::Grants, move |tx: &mut Tx| {
            let (app, consent, signature) =
                (app_inside.clone(), consent.clone(), signature.clone());
            Box::pin(async move { grants::give(tx, &app, &consent, &signature).await })
        });
        done(given.await)
    }

    /// What the first token of an authorization says: for all scopes of the grant at `audience`.
    pub fn claims(&self, app: &App, grant: &Grant, audience: &str) -> Claims {
        let now = app.sources().now();
        let id = || done(app.sources().id());
        let scopes: Vec<&str> = grant.scopes.iter().map(ScopeName::as_str).collect();
        Claims {
            iss: app.settings().public_url.clone(),
            sub: grant.user_id.to_string(),
            aud: Audience::One(audience.to_owned()),
            iat: now.0 / 1_000,
            exp: now.0 / 1_000 + 600,
            nbf: None,
            jti: TokenId::new(now, &id()),
            client_id: self.client.id.to_string(),
            azp: self.client.id,
            scope: scopes.join(" "),
            gty: TokenGrant::AuthorizationCode,
            env: self.client.environment,
            account: grant.account_id,
            epoch: app.verifier().freshness().epoch(),
            secret: Some(self.secret_id),
            all_scopes: false,
            grant: Some(grant.id),
            family: Some(FamilyId::new(now, &id())),
            generation: Some(1),
            cnf: None,
        }
    }

    /// An access token of this app for the user who gave `grant`.
    pub fn token(&self, app: &App, grant: &Grant, audience: &str) -> String {
        let claims = self.claims(app, grant, audience);
        sign(app, &claims)
    }
}

impl TestApp {
    /// An app of the account that its owner allowed `read:leads`.
    pub async fn connected_app(&self) -> (ConnectedApp, Grant) {
        let made = ConnectedApp::make(&self.app, self.account.id).await;
        let grant = made
            .consented(&self.app, &self.owner, &["read:leads"])
            .await;
        (made, grant)
    }
}

fn sign(app: &App, claims: &Claims) -> String {
    let now = app.sources().now();
    let algorithm = SigningAlgorithm::Es256;
    done(app.signer().sign(algorithm, claims, ACCESS_TOKEN_TYPE, now))
}
