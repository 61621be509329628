//! `POST /oauth/token`: requests and answers in general.

use std::collections::HashSet;

use claviger_model::apis::SigningAlgorithm;
use claviger_service::settings::{Settings, TokenSettings};
use http::Method;
use serde_json::{Value, json};

use super::{api, claims, client, form, form_of, part};
use crate::instance::{API, OLD_API, OPEN_API, for_each_app, for_each_app_with, merged, text};
use crate::requests::{call, delete, get, patch, post};

#[tokio::test]
async fn a_get_never_gets_a_token_and_is_told_the_method() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let query = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            client.id, client.secret
        );
        for path in ["/oauth/token", "/connect/token"] {
            for method in [Method::GET, Method::PUT, Method::OPTIONS, Method::HEAD] {
                let answer = instance
                    .send(call(method.clone(), &format!("{path}?{query}")))
                    .await;
                assert_eq!(
                    (answer.status, answer.header("allow")),
                    (405, "POST"),
                    "{method}"
                );
                answer.is_not_stored();
                assert!(!answer.headers.contains_key("access-control-allow-origin"));
                if method != Method::HEAD {
                    answer.oauth_error(405, "invalid_request");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_missing_grant_type_is_invalid_and_every_other_one_unsupported() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let credentials = [
            ("client_id", &*client.id),
            ("client_secret", &*client.secret),
        ];
        for pairs in [
            &credentials[..],
            &[&credentials[..], &[("grant_type", "")]].concat(),
        ] {
            let told = instance.send(form("/oauth/token", pairs)).await;
            assert!(
                told.oauth_error(400, "invalid_request")
                    .contains("grant_type")
            );
        }
        for other in [
            "password",
            "implicit",
            "urn:ietf:params:oauth:grant-type:device_code",
            "Client_Credentials",
            "x",
        ] {
            let user = [("grant_type", other), ("username", "a"), ("password", "b")];
            let pairs = [&credentials[..], &user].concat();
            let told = instance.send(form("/oauth/token", &pairs)).await;
            let told = told.oauth_error(400, "unsupported_grant_type");
            assert!(told.contains("client_credentials"), "{told}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_repeated_parameter_is_invalid() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let body = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope=read:leads\
             &audience={API}",
            client.id, client.secret
        );
        for name in [
            "grant_type",
            "client_id",
            "client_secret",
            "scope",
            "audience",
            "code",
        ] {
            let twice = format!("{body}&{name}=x&{name}=x");
            let answer = instance.send(form_of("/oauth/token", &twice)).await;
            let told = answer.oauth_error(400, "invalid_request");
            assert!(told.contains(name), "{told}");
        }
        let one = form_of("/oauth/token", &format!("{body}&foo=bar&foo2="));
        instance.send(one).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn a_token_answer_has_the_members_of_the_standard_and_is_not_stored() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        for path in ["/oauth/token", "/connect/token"] {
            let pairs = [
                ("grant_type", "client_credentials"),
                ("client_id", &*client.id),
                ("client_secret", &*client.secret),
            ];
            let members: Value = pairs
                .iter()
                .map(|(n, v)| (n.to_string(), json!(v)))
                .collect();
            let basic = form(path, &pairs[..1]).basic(&client.id, &client.secret);
            for call in [form(path, &pairs), post(path, &members), basic] {
                let answer = instance.send(call).await;
                let body = answer.is(200);
                assert_eq!(answer.header("content-type"), "application/json");
                answer.is_not_stored();
                assert!(!answer.headers.contains_key("access-control-allow-origin"));
                assert_eq!(body["token_type"], "Bearer");
                assert_eq!(body["expires_in"], 3600);
                assert_eq!(body["scope"], "read:leads write:leads");
                assert_eq!(body.as_object().map(serde_json::Map::len), Some(4));
                let token = text(&body, "access_token");
                instance.check(token, json!({"api": API}), "allowed").await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_is_a_jwt_of_the_profile_with_every_claim() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let before = instance.now() / 1_000;
        let token = client.token(instance).await;
        let header = part(&token, 0);
        assert_eq!(
            (&header["typ"], &header["alg"]),
            (&json!("at+jwt"), &json!("ES256"))
        );
        let jwks = instance.send(get("/.well-known/jwks.json")).await.is(200);
        let keys = jwks["keys"].as_array().expect("keys");
        assert!(keys.iter().any(|key| key["kid"] == header["kid"]), "{jwks}");
        let claims = claims(&token);
        let (iat, exp) = (claims["iat"].as_i64(), claims["exp"].as_i64());
        let iat = iat.expect("seconds");
        assert!((before..=before + 60).contains(&iat), "{claims}");
        assert_eq!(exp, Some(iat + 3_600));
        assert!(text(&claims, "jti").starts_with("tok_"));
        assert!(claims["epoch"].is_i64());
        for (claim, value) in [
            ("iss", json!(instance.issuer())),
            ("aud", json!(API)),
            ("sub", json!(format!("{}@clients", client.id))),
            ("client_id", json!(client.id)),
            ("azp", json!(client.id)),
            ("scope", json!("read:leads write:leads")),
            ("gty", json!("client-credentials")),
            ("env", json!("live")),
            ("account", json!(instance.account_id())),
            ("secret", json!(client.secret_id)),
        ] {
            assert_eq!(claims[claim], value, "{claim}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_algorithm_is_the_apis_or_the_instances_for_several() {
    let settings = Settings {
        tokens: TokenSettings {
            signing_algorithm: SigningAlgorithm::EdDsa,
            ..TokenSettings::default()
        },
        ..Settings::default()
    };
    for_each_app_with(&settings, async |instance| {
        let operator = instance.session("operator").await;
        let body = json!({
            "name": "Signed by RSA", "audience": "https://rsa.acme.test",
            "scopes": [{"name": "read:leads", "description": "May read.", "sensitive": false}],
            "accepts": ["access_token"], "signing_algorithm": "RS256",
        });
        instance
            .send(post("/v1/apis", &body).by(&operator))
            .await
            .is(201);
        let client = client(instance, json!({})).await;
        for (audience, algorithm) in [
            (Some("https://rsa.acme.test"), "RS256"),
            (Some(API), "ES256"),
            (None, "EdDSA"),
        ] {
            let named: Vec<_> = audience
                .iter()
                .map(|audience| ("audience", *audience))
                .collect();
            let answer = client.token_with(instance, &named).await;
            let token = text(&answer, "access_token");
            assert_eq!(part(token, 0)["alg"], algorithm);
            let api = json!({"api": audience.unwrap_or(API)});
            instance.check(token, api, "allowed").await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_lifetime_is_the_clients_then_the_shortest_of_the_apis_then_the_instances() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        for (audience, seconds) in [(OPEN_API, json!(600)), (OLD_API, json!(7_200))] {
            let apis = instance.send(get("/v1/apis").by(&operator)).await.is(200);
            let apis = apis["data"].as_array().expect("APIs").clone();
            let api = apis
                .iter()
                .find(|api| api["audience"] == audience)
                .expect("one");
            let change = json!({
                "token_lifetime_seconds": seconds,
                "scopes": [{"name": "read:leads", "description": "May read.", "sensitive": false}],
            });
            let path = format!("/v1/apis/{}", text(api, "id"));
            instance
                .send(patch(&path, &change).by(&operator))
                .await
                .is(200);
        }
        let own = client(instance, json!({})).await;
        for (audience, seconds) in [
            (Some(API), 3_600),
            (Some(OPEN_API), 600),
            (Some(OLD_API), 7_200),
            (None, 600),
        ] {
            let named: Vec<_> = audience
                .iter()
                .map(|audience| ("audience", *audience))
                .collect();
            let answer = own.token_with(instance, &named).await;
            assert_eq!(answer["expires_in"], seconds, "{audience:?}");
        }
        own.edit(instance, json!({"token_lifetime_seconds": 60}))
            .await;
        let answer = own.token_with(instance, &[]).await;
        assert_eq!(answer["expires_in"], 60);
        let token = text(&answer, "access_token");
        instance.check(token, json!({"api": API}), "allowed").await;
        instance.pass(61_000).await;
        instance.check(token, json!({"api": API}), "expired").await;
    })
    .await;
}

#[tokio::test]
async fn a_test_client_gets_tokens_for_test_data_alone() {
    for_each_app(async |instance| {
        let client = client(instance, json!({"environment": "test"})).await;
        let token = client.token(instance).await;
        assert_eq!(claims(&token)["env"], "test");
        let environment = |name: &str| json!({"api": API, "environment": name});
        instance.check(&token, environment("test"), "allowed").await;
        instance
            .check(&token, environment("live"), "environment_mismatch")
            .await;
        instance
            .send(get("/sandbox/v1/leads").by(&token))
            .await
            .is(200);
    })
    .await;
}

#[tokio::test]
async fn a_public_client_can_have_no_token_for_itself() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        for public in [
            json!({"public": true}),
            json!({"token_endpoint_auth_method": "none"}),
        ] {
            let body = json!({"name": "App", "kind": "machine", "scopes": ["read:leads"]});
            let body = merged(&body, &public);
            let answer = instance.send(post("/v1/clients", &body).by(&admin)).await;
            assert_eq!(answer.status, 422, "{answer:?}");
        }
        let client = client(instance, json!({})).await;
        let pairs = [
            ("grant_type", "client_credentials"),
            ("client_id", &*client.id),
        ];
        let answer = instance.send(form("/oauth/token", &pairs)).await;
        answer.oauth_error(401, "invalid_client");
    })
    .await;
}

#[tokio::test]
async fn a_client_without_scopes_of_any_api_is_unauthorized() {
    for_each_app(async |instance| {
        let id = api(instance, "urn:acme:gone", "read:gone").await;
        let client = client(instance, json!({"scopes": ["read:gone"]})).await;
        client.token(instance).await;
        let operator = instance.session("operator").await;
        let gone = delete(&format!("/v1/apis/{id}"));
        instance.send(gone.by(&operator)).await.is(200);
        let answer = instance.send(client.form(&[])).await;
        answer.oauth_error(400, "unauthorized_client");
    })
    .await;
}

#[tokio::test]
async fn token_ids_differ() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let mut ids = HashSet::new();
        for _ in 0..100 {
            let claims = claims(&client.token(instance).await);
            ids.insert(text(&claims, "jti").to_owned());
        }
        assert_eq!(ids.len(), 100);
    })
    .await;
}

#[tokio::test]
async fn a_node_without_lease_gives_no_token_and_blames_nobody() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let token = client.token(instance).await;
        instance.app().verifier().freshness().end();
        for call in [
            client.form(&[]),
            client.about("/oauth/introspect", &token),
            client.about("/oauth/revoke", &token),
        ] {
            let answer = instance.send(call).await;
            answer.oauth_error(503, "temporarily_unavailable");
            assert_eq!(answer.header("retry-after"), "1");
            let id = answer.json()["request_id"].clone();
            assert_eq!(id, answer.header("request-id"));
        }
    })
    .await;
}
