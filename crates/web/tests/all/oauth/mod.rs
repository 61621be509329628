//! The OAuth endpoints, line by line of the standards.

mod apps;
mod assertions;
mod authentication;
mod bad_input;
mod bearer;
mod client_keys;
mod device;
mod documents;
mod dpop;
mod dpop_resources;
pub(crate) mod fetched_keys;
mod introspection;
mod metadata;
mod par;
mod quota;
mod registration;
mod revocation;
mod scopes;
mod tabs;
mod targets;
mod token;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::instance::{Instance, merged, text};
use super::requests::{Answer, Call, call, delete, patch, post};

/// A client of Acme with one of its secrets.
pub(crate) struct TestClient {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) secret_id: String,
}

/// Makes a client of Acme with these settings; it holds `read:leads` and `write:leads` when they
/// say nothing.
pub(crate) async fn client(instance: &Instance, settings: Value) -> TestClient {
    let admin = instance.session("admin").await;
    client_by(instance, &admin, settings).await
}

/// The same by an operator, who may give lifetimes and quotas beyond the instance's.
pub(crate) async fn client_by(instance: &Instance, session: &str, settings: Value) -> TestClient {
    let body = merged(
        &json!({"name": "Sync", "kind": "machine", "scopes": ["read:leads", "write:leads"]}),
        &settings,
    );
    let made = instance.send(post("/v1/clients", &body).by(session)).await;
    let made = made.is(201);
    TestClient {
        id: text(&made, "client_id").to_owned(),
        secret: text(&made, "client_secret").to_owned(),
        secret_id: text(&made["secrets"][0], "id").to_owned(),
    }
}

/// Makes an API that takes access tokens and offers one scope; its id.
pub(crate) async fn api(instance: &Instance, audience: &str, scope: &str) -> String {
    let operator = instance.session("operator").await;
    let body = json!({
        "name": audience, "audience": audience, "accepts": ["access_token"],
        "scopes": [{"name": scope, "description": "More.", "sensitive": false}],
    });
    let made = instance.send(post("/v1/apis", &body).by(&operator)).await;
    text(&made.is(201), "id").to_owned()
}

/// The same of another account.
pub(crate) async fn stranger(instance: &Instance) -> TestClient {
    let (_, neighbour) = instance.neighbour().await;
    client_by(instance, &neighbour, json!({})).await
}

impl TestClient {
    /// The parameters of a token request, with more.
    pub(crate) fn form(&self, more: &[(&str, &str)]) -> Call {
        let own = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.id),
            ("client_secret", &self.secret),
        ];
        form("/oauth/token", &[&own[..], more].concat())
    }

    /// A token with more parameters than needed.
    pub(crate) async fn token_with(&self, instance: &Instance, more: &[(&str, &str)]) -> Value {
        let answer = instance.send(self.form(more)).await;
        answer.is(200)
    }

    /// A token for everything that it may do.
    pub(crate) async fn token(&self, instance: &Instance) -> String {
        let answer = self.token_with(instance, &[]).await;
        text(&answer, "access_token").to_owned()
    }

    /// What an endpoint that takes a token is asked.
    pub(crate) fn about(&self, path: &str, token: &str) -> Call {
        form(path, &[("token", token)]).basic(&self.id, &self.secret)
    }

    /// What it is told of a token.
    pub(crate) async fn introspect(&self, instance: &Instance, token: &str) -> Value {
        let call = self.about("/oauth/introspect", token);
        instance.send(call).await.is(200)
    }

    /// Gives a token back.
    pub(crate) async fn revoke(&self, instance: &Instance, token: &str) -> Answer {
        let answer = instance.send(self.about("/oauth/revoke", token)).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""));
        answer
    }

    pub(crate) async fn revoke_secret(&self, instance: &Instance) {
        let admin = instance.session("admin").await;
        let path = format!("/v1/clients/{}/secrets/{}", self.id, self.secret_id);
        instance.send(delete(&path).by(&admin)).await.is(200);
    }

    pub(crate) async fn edit(&self, instance: &Instance, change: Value) {
        let admin = instance.session("admin").await;
        let path = format!("/v1/clients/{}", self.id);
        instance
            .send(patch(&path, &change).by(&admin))
            .await
            .is(200);
    }

    pub(crate) async fn delete(&self, instance: &Instance) {
        let admin = instance.session("admin").await;
        let path = format!("/v1/clients/{}", self.id);
        instance.send(delete(&path).by(&admin)).await.is(200);
    }
}

/// A form with these parameters.
pub(crate) fn form(path: &str, pairs: &[(&str, &str)]) -> Call {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    form_of(path, &pairs.join("&"))
}

/// A form as it is.
pub(crate) fn form_of(path: &str, body: &str) -> Call {
    call(http::Method::POST, path)
        .header("content-type", "application/x-www-form-urlencoded")
        .raw(body)
}

pub(crate) fn escaped(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let escape = |byte: u8| match byte {
        byte if plain(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

impl Call {
    /// As a client authenticates in the header.
    pub(crate) fn basic(self, id: &str, secret: &str) -> Self {
        let pair = STANDARD.encode(format!("{}:{}", escaped(id), escaped(secret)));
        self.header("authorization", &format!("Basic {pair}"))
    }
}

impl Answer {
    /// The sentence of a refusal in the form of RFC 6749 section 5.2: this status and this word,
    /// not to be stored, and no token.
    #[track_caller]
    pub(crate) fn oauth_error(&self, status: u16, error: &str) -> String {
        let body = self.json();
        let found = (self.status, body["error"].as_str().unwrap_or_default());
        assert_eq!(found, (status, error), "{self:?}");
        let description = text(&body, "error_description").to_owned();
        let permitted = |b: u8| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        assert!(description.bytes().all(permitted), "{description}");
        assert!(description.len() > 10, "{description}");
        assert_eq!(self.header("content-type"), "application/json");
        self.is_not_stored();
        assert!(!self.text.contains("access_token\":"), "{self:?}");
        assert!(!self.text.contains("eyJ"), "{self:?}");
        if self.headers.contains_key("www-authenticate") {
            assert_eq!(status, 401, "{self:?}");
            assert!(self.header("www-authenticate").starts_with("Basic realm="));
        }
        description
    }

    #[track_caller]
    pub(crate) fn is_not_stored(&self) {
        assert_eq!(self.header("cache-control"), "no-store", "{self:?}");
        assert_eq!(self.header("pragma"), "no-cache", "{self:?}");
    }
}

/// A part of a token: header, claims.
pub(crate) fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).expect("a part");
    let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

pub(crate) fn claims(token: &str) -> Value {
    part(token, 1)
}
