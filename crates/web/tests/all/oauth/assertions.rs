//! Clients that prove who they are by a JWT that they sign (RFC 7523, rfc7523bis, FAPI 2.0).

use aws_lc_rs::hmac;
use claviger_service::settings::{OAuthSettings, Settings};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::client_keys::{ClientKey, base64};
use super::{client, form, stranger};
use crate::instance::{Instance, for_each_app, for_each_app_with, merged, text};
use crate::requests::{Answer, Call, get, patch, post};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// A client with a key, and an instance that takes what it signs.
pub(super) struct Signing<'a> {
    pub(super) instance: &'a Instance,
    pub(super) id: String,
    pub(super) key: ClientKey,
}

pub(super) fn settings() -> Settings {
    Settings {
        oauth: OAuthSettings {
            private_key_jwt: true,
            ..OAuthSettings::default()
        },
        ..Settings::default()
    }
}

/// Runs a test with a client whose only way is a key of its own.
pub(super) async fn for_each_signing(key: fn() -> ClientKey, test: impl AsyncFn(&Signing<'_>)) {
    for_each_app_with(&settings(), async |instance| {
        let key = key();
        let id = signing_client(instance, json!({"jwks": key_set(&key)})).await;
        test(&Signing { instance, id, key }).await;
    })
    .await;
}

pub(super) fn key_set(key: &ClientKey) -> Value {
    json!({"keys": [merged(&key.jwk(), &json!({"kid": "first"}))]})
}

/// A client that signs, with these settings; its id.
pub(super) async fn signing_client(instance: &Instance, settings: Value) -> String {
    let admin = instance.session("admin").await;
    let only = json!({"name": "Sync", "kind": "machine", "scopes": ["read:leads"],
        "token_endpoint_auth_method": "private_key_jwt"});
    let made = post("/v1/clients", &merged(&only, &settings)).by(&admin);
    let made = instance.send(made).await.is(201);
    text(&made, "client_id").to_owned()
}

async fn edit(instance: &Instance, id: &str, change: Value) {
    let admin = instance.session("admin").await;
    let call = patch(&format!("/v1/clients/{id}"), &change).by(&admin);
    instance.send(call).await.is(200);
}

impl Signing<'_> {
    /// What a good assertion says, with these changes; a member that is null is left out.
    pub(super) fn claims(&self, changes: &Value) -> Value {
        let now = self.instance.now() / 1_000;
        let id = self.instance.app().sources().request_id().to_string();
        let good = json!({
            "iss": self.id, "sub": self.id, "aud": self.instance.issuer(),
            "iat": now, "exp": now + 60, "jti": id,
        });
        let mut claims = merged(&good, changes);
        let members = claims.as_object_mut().expect("an object");
        members.retain(|_, value| !value.is_null());
        claims
    }

    fn header(&self) -> Value {
        json!({"alg": self.key.algorithms()[0], "kid": "first", "typ": "JWT"})
    }

    fn assertion(&self, changes: &Value) -> String {
        self.key.signed(&self.header(), &self.claims(changes))
    }

    pub(super) async fn sent(&self, assertion: &str) -> Answer {
        self.instance
            .send(asking("/oauth/token", assertion, &[]))
            .await
    }

    pub(super) async fn with(&self, changes: Value) -> Answer {
        self.sent(&self.assertion(&changes)).await
    }
}

fn asking(path: &str, assertion: &str, more: &[(&str, &str)]) -> Call {
    let own = [
        GRANT,
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ];
    form(path, &[&own[..], more].concat())
}

#[tokio::test]
async fn a_client_signs_for_a_token_with_each_kind_of_key() {
    for key in [ClientKey::p256, ClientKey::ed25519, ClientKey::rsa] {
        for_each_signing(key, async |signing| {
            for alg in signing.key.algorithms() {
                for kid in [json!("first"), Value::Null] {
                    let mut header = json!({"alg": alg});
                    if !kid.is_null() {
                        header["kid"] = kid;
                    }
                    let assertion = signing.key.signed(&header, &signing.claims(&json!({})));
                    let token = signing.sent(&assertion).await.is(200);
                    assert_eq!(token["token_type"], "Bearer");
                }
            }
            let typ =
                json!({"alg": signing.key.algorithms()[0], "typ": "client-authentication+jwt"});
            let assertion = signing.key.signed(&typ, &signing.claims(&json!({})));
            signing.sent(&assertion).await.is(200);
        })
        .await;
    }
}

#[tokio::test]
async fn every_endpoint_takes_it_and_the_client_may_name_itself_beside_it() {
    for_each_signing(ClientKey::p256, async |signing| {
        let instance = signing.instance;
        let named = [("client_id", signing.id.as_str()), ("token", "x")];
        for path in [
            "/oauth/token",
            "/connect/token",
            "/oauth/introspect",
            "/oauth/revoke",
        ] {
            for more in [&named[..], &named[1..]] {
                let call = asking(path, &signing.assertion(&json!({})), more);
                let answer = instance.send(call).await;
                assert_eq!(answer.status, 200, "{answer:?}");
            }
            let other = [("client_id", "cli_other"), ("token", "x")];
            let call = asking(path, &signing.assertion(&json!({})), &other);
            instance.send(call).await.oauth_error(401, "invalid_client");
        }
        // What it gets says who it is, and goes on though it has no secret.
        let token = signing.with(json!({})).await.is(200);
        let call = asking(
            "/oauth/introspect",
            &signing.assertion(&json!({})),
            &[("token", text(&token, "access_token"))],
        );
        let found = instance.send(call).await.is(200);
        assert_eq!(
            (&found["active"], &found["client_id"]),
            (&json!(true), &json!(signing.id))
        );
    })
    .await;
}

#[tokio::test]
async fn claims_that_are_missing_wrong_or_for_somebody_else_are_invalid_client() {
    for_each_signing(ClientKey::p256, async |signing| {
        let issuer = signing.instance.issuer();
        let now = signing.instance.now() / 1_000;
        for changes in [
            json!({"exp": null}),
            json!({"exp": now}),
            json!({"exp": now - 3_600}),
            json!({"exp": now + 3_700}),
            json!({"exp": now + 86_400}),
            json!({"exp": "soon"}),
            json!({"iat": now + 120}),
            json!({"iat": "now"}),
            json!({"nbf": now + 120}),
            json!({"iss": null}),
            json!({"sub": null}),
            json!({"iss": "cli_other"}),
            json!({"sub": "cli_other"}),
            json!({"iss": "cli_other", "sub": "cli_other"}),
            json!({"iss": [signing.id]}),
            json!({"jti": null}),
            json!({"jti": ""}),
            json!({"jti": 7}),
            json!({"jti": "j".repeat(257)}),
            // rfc7523bis: the issuer as a string, and nothing else.
            json!({"aud": null}),
            json!({"aud": "https://evil.test"}),
            json!({"aud": format!("{issuer}/")}),
            json!({"aud": format!("{issuer}/oauth/token")}),
            json!({"aud": format!("{issuer}/oauth/par")}),
            json!({"aud": [issuer]}),
            json!({"aud": [issuer, format!("{issuer}/oauth/token")]}),
        ] {
            let answer = signing.with(changes.clone()).await;
            assert_eq!(answer.status, 401, "{changes}: {answer:?}");
            answer.oauth_error(401, "invalid_client");
            assert!(!answer.headers.contains_key("www-authenticate"));
        }
        for changes in [
            json!({"iat": null}),
            json!({"iat": now + 30, "nbf": now + 30}),
            json!({"iat": now - 300, "nbf": now - 300}),
            json!({"exp": now + 3_600}),
            json!({"more": {"x": 1}}),
        ] {
            let answer = signing.with(changes.clone()).await;
            assert_eq!(answer.status, 200, "{changes}: {answer:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_not_signed_by_the_clients_key_is_invalid_client() {
    for_each_signing(ClientKey::p256, async |signing| {
        let claims = signing.claims(&json!({}));
        let header = signing.header();
        let other = ClientKey::p256();
        let by = |header: Value| signing.key.signed(&header, &claims);
        let unsigned = |alg: &str| {
            let header = json!({"alg": alg, "kid": "first"}).to_string();
            format!("{}.{}", base64(header), base64(claims.to_string()))
        };
        // HS256 with the public key as the secret (RFC 8725 section 2.1).
        let hs256 = unsigned("HS256");
        let secret = hmac::Key::new(hmac::HMAC_SHA256, signing.key.jwk().to_string().as_bytes());
        let mac = base64(hmac::sign(&secret, hs256.as_bytes()));
        let own_key = merged(&header, &json!({"jwk": other.jwk()}));
        for assertion in [
            other.signed(&header, &claims),
            other.signed(&own_key, &claims),
            format!("{}.", unsigned("none")),
            format!("{}.AA", unsigned("none")),
            format!("{hs256}.{mac}"),
            by(json!({"alg": "ES256", "kid": "second"})),
            by(json!({"alg": "RS256", "kid": "first"})),
            by(json!({"alg": "ES256", "kid": "first", "typ": "at+jwt"})),
            by(json!({"alg": "ES256", "kid": "first", "crit": ["exp"]})),
            by(json!({"alg": "ES256", "kid": "first", "jku": "https://evil.test/jwks"})),
            by(json!({"alg": "ES256", "jwk": signing.key.jwk()})),
            "garbage".to_owned(),
            "a.b.c".to_owned(),
            "a".repeat(20_000),
        ] {
            signing
                .sent(&assertion)
                .await
                .oauth_error(401, "invalid_client");
        }
        let twice = claims.to_string().replacen('{', "{\"exp\":1,", 1);
        let twice = signing.key.signed_text(&header.to_string(), &twice);
        signing
            .sent(&twice)
            .await
            .oauth_error(401, "invalid_client");
        let typed = |assertion_type: &str| {
            let assertion = signing.assertion(&json!({}));
            form(
                "/oauth/token",
                &[
                    GRANT,
                    ("client_assertion_type", assertion_type),
                    ("client_assertion", &assertion),
                ],
            )
        };
        let saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
        for assertion_type in ["", saml] {
            let answer = signing.instance.send(typed(assertion_type)).await;
            answer.oauth_error(401, "invalid_client");
        }
        signing.sent(&by(header.clone())).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn an_unknown_client_one_without_keys_and_a_wrong_signature_get_the_same_answer() {
    for_each_signing(ClientKey::p256, async |signing| {
        let instance = signing.instance;
        let keyless = client(instance, json!({})).await.id;
        let foreign = stranger(instance).await.id;
        let deleted = client(instance, json!({})).await;
        deleted.delete(instance).await;
        let unknown = "cli_01jnwz3c8k0000000000000000".to_owned();
        let mut answers = Vec::new();
        for id in [&signing.id, &keyless, &foreign, &deleted.id, &unknown] {
            let claims = signing.claims(&json!({"iss": id, "sub": id}));
            let assertion = ClientKey::p256().signed(&signing.header(), &claims);
            let answer = signing.sent(&assertion).await;
            answer.oauth_error(401, "invalid_client");
            answers.push(answer.text);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_assertion_is_used_once_however_many_send_it_at_once() {
    for_each_signing(ClientKey::p256, async |signing| {
        let assertion = signing.assertion(&json!({}));
        let answers = join_all((0..64).map(|_| signing.sent(&assertion))).await;
        let given = answers.iter().filter(|answer| answer.status == 200);
        assert_eq!(given.count(), 1);
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            answer.oauth_error(401, "invalid_client");
        }
        // A jti is the client's own: another text with it is refused too.
        let again = json!({"jti": "again"});
        signing.with(again.clone()).await.is(200);
        signing
            .with(again.clone())
            .await
            .oauth_error(401, "invalid_client");
        let later = json!({"jti": "again", "exp": signing.instance.now() / 1_000 + 120});
        signing.with(later).await.oauth_error(401, "invalid_client");
        // What was refused for another reason has used up nothing.
        signing
            .with(json!({"jti": "new", "aud": "x"}))
            .await
            .oauth_error(401, "invalid_client");
        let forged = signing.claims(&json!({"jti": "new"}));
        let forged = ClientKey::p256().signed(&signing.header(), &forged);
        signing
            .sent(&forged)
            .await
            .oauth_error(401, "invalid_client");
        signing.with(json!({"jti": "new"})).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn other_ways_beside_it_or_in_its_place_are_refused() {
    for_each_signing(ClientKey::p256, async |signing| {
        let instance = signing.instance;
        let both = [("client_id", signing.id.as_str()), ("client_secret", "x")];
        let call = asking("/oauth/token", &signing.assertion(&json!({})), &both);
        instance
            .send(call)
            .await
            .oauth_error(400, "invalid_request");
        let call = asking("/oauth/token", &signing.assertion(&json!({})), &[]);
        let call = call.basic(&signing.id, "x");
        instance
            .send(call)
            .await
            .oauth_error(400, "invalid_request");
        let alone = form("/oauth/token", &[GRANT, ("client_id", &signing.id)]);
        instance
            .send(alone)
            .await
            .oauth_error(401, "invalid_client");
        // A client that is kept to a secret does not sign, though it has a key.
        let key = ClientKey::p256();
        let only = json!({"token_endpoint_auth_method": "client_secret_post",
            "jwks": key_set(&key)});
        let id = signing_client(instance, only).await;
        let kept = Signing { instance, id, key };
        kept.with(json!({}))
            .await
            .oauth_error(401, "invalid_client");
        // A key that is taken away does not sign any more; the one in its place does.
        let second = ClientKey::p256();
        let taken = json!({"jwks": {"keys": [second.jwk()]}});
        edit(instance, &signing.id, taken).await;
        signing
            .with(json!({}))
            .await
            .oauth_error(401, "invalid_client");
        let assertion = second.signed(&json!({"alg": "ES256"}), &signing.claims(&json!({})));
        signing.sent(&assertion).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn it_is_in_the_metadata_where_it_is_switched_on_and_refused_where_not() {
    let server = "/.well-known/oauth-authorization-server";
    let algorithms = json!(["ES256", "EdDSA", "Ed25519", "PS256", "RS256"]);
    for_each_signing(ClientKey::p256, async |signing| {
        let document = signing.instance.send(get(server)).await.is(200);
        for endpoint in ["token", "introspection", "revocation"] {
            let methods = &document[format!("{endpoint}_endpoint_auth_methods_supported")];
            assert!(methods.to_string().contains("private_key_jwt"), "{methods}");
            let signed = format!("{endpoint}_endpoint_auth_signing_alg_values_supported");
            assert_eq!(document[&signed], algorithms);
        }
    })
    .await;
    for_each_app(async |instance| {
        let document = instance.send(get(server)).await.is(200);
        assert!(!document.to_string().contains("private_key_jwt"));
        assert!(!document.to_string().contains("signing_alg"));
        let key = ClientKey::p256();
        let settings = json!({"token_endpoint_auth_method": null, "jwks": key_set(&key)});
        let id = signing_client(instance, settings).await;
        let signing = Signing { instance, id, key };
        signing
            .with(json!({}))
            .await
            .oauth_error(401, "invalid_client");
    })
    .await;
}
