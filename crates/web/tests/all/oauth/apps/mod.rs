//! Tokens that act for users: from the code on, which is made here without the pages where the user
//! agrees.

mod bound;
mod codes;
mod pages;
mod refreshing;
mod scopes;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_model::clients::{
    ClientAuthMethod, ClientMetadata, ClientScopes, ClientSettings, GrantType,
};
use claviger_model::grants::Authorized;
use claviger_model::ids::{ClientId, GrantId};
use claviger_model::redirect_uris::RedirectUri;
use claviger_model::scopes::ScopeName;
use claviger_service::testing::{Allowed, make_app, make_code};
use serde_json::{Value, json};

use super::form;
use crate::instance::{Instance, text};
use crate::requests::{Answer, Call};

/// What `codes` are made with when a test does not say otherwise.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CALLBACK: &str = "https://app.example/callback";

/// An app of Acme.
pub(super) struct TestApp {
    pub(super) id: ClientId,
    /// None for a public one.
    pub(super) secret: Option<String>,
}

/// How an app differs from one that keeps a secret and holds everything.
#[derive(Clone)]
pub(super) struct Kind {
    pub(super) is_public: bool,
    pub(super) grant_types: Vec<GrantType>,
    pub(super) scopes: ClientScopes,
    pub(super) tokens_per_day: Option<u32>,
}

impl Default for Kind {
    fn default() -> Self {
        Self {
            is_public: false,
            grant_types: Vec::new(),
            scopes: ClientScopes::All,
            tokens_per_day: None,
        }
    }
}

impl Kind {
    pub(super) fn public() -> Self {
        Self {
            is_public: true,
            ..Self::default()
        }
    }

    pub(super) async fn make(self, instance: &Instance) -> TestApp {
        let settings = ClientSettings {
            name: "App".to_owned(),
            description: String::new(),
            scopes: self.scopes,
            api_id: None,
            token_lifetime_seconds: None,
            tokens_per_day: self.tokens_per_day,
            quota_mode: None,
            auth_method: self.is_public.then_some(ClientAuthMethod::None),
        };
        let metadata = ClientMetadata {
            redirect_uris: vec![
                RedirectUri::new(CALLBACK).expect("a URI"),
                RedirectUri::new("http://127.0.0.1/callback").expect("a URI"),
            ],
            grant_types: self.grant_types,
            ..ClientMetadata::default()
        };
        let account = instance.account_id().parse().expect("an id");
        let (id, secret) = make_app(instance.app(), account, settings, metadata).await;
        TestApp {
            id,
            secret: (!self.is_public).then(|| secret.expose().to_owned()),
        }
    }
}

/// An app that keeps a secret, and one that does not.
pub(super) async fn both_kinds(instance: &Instance) -> [TestApp; 2] {
    [
        Kind::default().make(instance).await,
        Kind::public().make(instance).await,
    ]
}

impl TestApp {
    /// What a developer of Acme allows, who can read and write everything there.
    pub(super) async fn allowed(&self, instance: &Instance, scope: &str) -> Allowed {
        self.allowed_by(instance, "developer", scope).await
    }

    pub(super) async fn allowed_by(&self, instance: &Instance, who: &str, scope: &str) -> Allowed {
        let session = instance.session(who).await;
        let me = crate::requests::get("/v1/whoami").by(&session);
        let me = instance.send(me).await.is(200);
        let scopes = scope
            .split(' ')
            .map(|name| ScopeName::new(name).expect("a scope"));
        Allowed {
            client_id: self.id,
            user_id: text(&me["user"], "id").parse().expect("an id"),
            account_id: instance.account_id().parse().expect("an id"),
            authorized: Authorized {
                scopes: scopes.collect(),
                ..Authorized::default()
            },
            redirect_uri: CALLBACK.to_owned(),
            is_redirect_uri_named: true,
            challenge: Some(challenge(VERIFIER)),
        }
    }

    /// A code for these scopes.
    pub(super) async fn code(&self, instance: &Instance, scope: &str) -> String {
        let allowed = self.allowed(instance, scope).await;
        code(instance, &allowed).await.0
    }

    /// A request to the token endpoint.
    pub(super) fn ask(&self, pairs: &[(&str, &str)]) -> Call {
        self.send_to("/oauth/token", pairs)
    }

    /// A request to an endpoint for clients.
    pub(super) fn send_to(&self, path: &str, pairs: &[(&str, &str)]) -> Call {
        let id = self.id.to_string();
        let mut all = vec![("client_id", id.as_str())];
        if let Some(secret) = &self.secret {
            all.push(("client_secret", secret));
        }
        all.extend(pairs);
        form(path, &all)
    }

    /// The exchange of a code.
    pub(super) fn exchange(&self, code: &str) -> Call {
        self.ask(&exchange(code))
    }

    /// The first tokens for these scopes.
    pub(super) async fn tokens(&self, instance: &Instance, scope: &str) -> Value {
        let code = self.code(instance, scope).await;
        instance.send(self.exchange(&code)).await.is(200)
    }

    /// The use of a refresh token.
    pub(super) fn refresh(&self, tokens: &Value) -> Call {
        self.refresh_with(tokens, &[])
    }

    pub(super) fn refresh_with(&self, tokens: &Value, more: &[(&str, &str)]) -> Call {
        let own = [
            ("grant_type", "refresh_token"),
            ("refresh_token", text(tokens, "refresh_token")),
        ];
        self.ask(&[&own[..], more].concat())
    }

    /// The tokens that come of these.
    pub(super) async fn refreshed(&self, instance: &Instance, tokens: &Value) -> Value {
        instance.send(self.refresh(tokens)).await.is(200)
    }

    pub(super) async fn introspect(&self, instance: &Instance, token: &str) -> Value {
        let call = self.send_to("/oauth/introspect", &[("token", token)]);
        instance.send(call).await.is(200)
    }

    pub(super) async fn revoke(&self, instance: &Instance, token: &str) -> Answer {
        let call = self.send_to("/oauth/revoke", &[("token", token)]);
        let answer = instance.send(call).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""));
        answer
    }
}

/// The parameters of the exchange of a code.
pub(super) fn exchange(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

/// A code, and what the user allowed.
pub(super) async fn code(instance: &Instance, allowed: &Allowed) -> (String, GrantId) {
    let (code, grant) = make_code(instance.app(), allowed).await;
    (code.expose().to_owned(), grant)
}

/// The code challenge by S256.
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// Checks the reason of the decision about an access token at a route that needs `read:leads`.
pub(super) async fn check(instance: &Instance, tokens: &Value, reason: &str) {
    let request = json!({"method": "GET", "path": "/v1/leads"});
    instance
        .check(text(tokens, "access_token"), request, reason)
        .await;
}
