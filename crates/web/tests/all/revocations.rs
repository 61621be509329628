//! `/.well-known/claviger-revocations`, and what it tells of.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_model::Reason::{NotFound, PermissionRequired};
use claviger_service::testing::ConnectedApp;
use serde_json::{Value, json};

use super::instance::{Instance, for_each_app, text};
use super::requests::{delete, get, patch, post};

const FEED: &str = "/.well-known/claviger-revocations";

/// The header and the claims of the feed, its signature checked with the JWKS as anybody would.
async fn told(instance: &Instance) -> (Value, Value) {
    let answer = instance.send(get(FEED)).await;
    assert_eq!(answer.status, 200);
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("base64url");
    let object = |part: &str| serde_json::from_slice(&decoded(part)).expect("JSON");
    let (signed, signature) = answer.text.rsplit_once('.').expect("a JWT");
    let (header, claims) = signed.split_once('.').expect("a JWT");
    let (header, claims): (Value, Value) = (object(header), object(claims));
    let jwks = instance.send(get("/.well-known/jwks.json")).await.is(200);
    let keys = jwks["keys"].as_array().expect("keys");
    let key = keys.iter().find(|key| key["kid"] == header["kid"]);
    let key = key.expect("a published key");
    let point = [vec![4], decoded(text(key, "x")), decoded(text(key, "y"))].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(signed.as_bytes(), &decoded(signature))
        .expect("a good signature");
    (header, claims)
}

/// Waits until the feed tells `expected` under `claim`: it is made at most once in a second.
async fn tells(instance: &Instance, claim: &str, expected: &Value) -> Value {
    let told = async {
        loop {
            let (_, claims) = told(instance).await;
            if claims[claim] == *expected {
                return claims;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let deadline = std::time::Duration::from_secs(20);
    tokio::time::timeout(deadline, told).await.expect(claim)
}

#[tokio::test]
async fn the_feed_is_signed_and_may_be_kept_for_a_moment() {
    for_each_app(async |instance| {
        let answer = instance.send(get(FEED)).await;
        assert_eq!(answer.header("content-type"), "application/jwt");
        assert_eq!(answer.header("cache-control"), "public, max-age=10");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        let known = get(FEED).header("if-none-match", answer.header("etag"));
        assert_eq!(instance.send(known).await.status, 304);
        let (header, claims) = told(instance).await;
        assert_eq!(header["typ"], "revocations+jwt");
        assert_eq!(claims["iss"], json!(instance.issuer()));
        for empty in [
            "revoked", "clients", "secrets", "accounts", "grants", "families", "keys",
        ] {
            assert_eq!(claims[empty], json!([]), "{empty}");
        }
        assert_eq!(claims["not_before"], json!({}));
    })
    .await;
}

#[tokio::test]
async fn the_tokens_of_an_account_are_ended() {
    for_each_app(async |instance| {
        let account = instance.account_id();
        let path = format!("/v1/accounts/{account}/revoke-tokens");
        let other = "/v1/accounts/acct_00000000000000000000000000/revoke-tokens";
        let admin = instance.session("admin").await;
        let viewer = instance.session("viewer").await;
        let operator = instance.session("operator").await;
        let call = |path: &str, who: &str| post(path, &json!({})).by(who);
        for who in [&admin, &operator] {
            let ended = instance.send(call(&path, who)).await.is(200);
            assert_eq!(ended, json!({"ok": true}));
        }
        let refused = instance.send(call(&path, &viewer)).await;
        refused.refused(PermissionRequired);
        for who in [&admin, &operator] {
            instance.send(call(other, who)).await.refused(NotFound);
        }
        let epoch = instance.app().verifier().freshness().epoch();
        tells(instance, "not_before", &json!({account: epoch})).await;
    })
    .await;
}

/// A client with a token: its id, the id of its secret and the token.
async fn client(instance: &Instance) -> (String, String, String) {
    let admin = instance.session("admin").await;
    let body = json!({"name": "Sync", "kind": "machine", "scopes": ["read:leads"]});
    let call = post("/v1/clients", &body).by(&admin);
    let made = instance.send(call).await.is(201);
    let body = json!({
        "grant_type": "client_credentials",
        "client_id": made["client_id"],
        "client_secret": made["client_secret"],
    });
    let issued = instance.send(post("/oauth/token", &body)).await.is(200);
    (
        text(&made, "id").to_owned(),
        text(&made["secrets"][0], "id").to_owned(),
        text(&issued, "access_token").to_owned(),
    )
}

#[tokio::test]
async fn what_ends_the_tokens_of_a_client_is_told() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let (id, secret, token) = client(instance).await;
        instance.check(&token, json!({}), "allowed").await;
        let path = format!("/v1/clients/{id}");
        let end = post(&format!("{path}/revoke-tokens"), &json!({})).by(&admin);
        let ended = instance.send(end).await.is(200);
        assert_eq!(ended, json!({"ok": true}));
        instance.check(&token, json!({}), "revoked").await;
        let epoch = instance.app().verifier().freshness().epoch();
        tells(instance, "not_before", &json!({&id: epoch})).await;
        let viewer = instance.session("viewer").await;
        let end = post(&format!("{path}/revoke-tokens"), &json!({})).by(&viewer);
        instance.send(end).await.refused(PermissionRequired);

        let gone = delete(&format!("{path}/secrets/{secret}")).by(&admin);
        instance.send(gone).await.is(200);
        tells(instance, "secrets", &json!([secret])).await;
        let gone = delete(&path).by(&admin);
        instance.send(gone).await.is(200);
        tells(instance, "clients", &json!([id])).await;

        // Nobody asks for what has ended anyway.
        instance.pass(30 * 86_400_000).await;
        tells(instance, "clients", &json!([])).await;
        tells(instance, "secrets", &json!([])).await;
    })
    .await;
}

#[tokio::test]
async fn suspended_accounts_and_withdrawn_keys_are_told() {
    for_each_app(async |instance| {
        let account = instance.account_id();
        let operator = instance.session("operator").await;
        let (header, _) = told(instance).await;
        let path = format!("/v1/signing-keys/{}", text(&header, "kid"));
        instance.send(delete(&path).by(&operator)).await.is(200);
        tells(instance, "keys", &json!([header["kid"]])).await;

        let path = format!("/v1/accounts/{account}");
        let status = async |status: &str| {
            let call = patch(&path, &json!({"status": status})).by(&operator);
            instance.send(call).await.is(200)
        };
        status("suspended").await;
        tells(instance, "accounts", &json!([account])).await;
        status("active").await;
        tells(instance, "accounts", &json!([])).await;
    })
    .await;
}

#[tokio::test]
async fn what_ends_the_tokens_of_an_app_is_told_by_what_they_name() {
    for_each_app(async |instance| {
        let (test, operator) = (instance.test(), instance.session("operator").await);
        let made = post("/v1/accounts", &json!({"name": "Vendor"})).by(&operator);
        let vendor = instance.send(made).await.is(201);
        let vendor = text(&vendor, "id").parse().expect("an id");
        let app = ConnectedApp::make(&test.app, vendor).await;
        let grant = app.consented(&test.app, &test.owner, &["read:leads"]).await;
        let client = json!(app.client.id);
        let path = format!("/v1/accounts/{vendor}");
        let end = post(&format!("{path}/revoke-tokens"), &json!({})).by(&operator);
        instance.send(end).await.is(200);
        let epoch = instance.app().verifier().freshness().epoch();
        let floors = json!({client.as_str().expect("an id"): epoch, vendor.to_string(): epoch});
        tells(instance, "not_before", &floors).await;
        for (status, expected) in [("suspended", json!([client])), ("active", json!([]))] {
            let call = patch(&path, &json!({"status": status})).by(&operator);
            instance.send(call).await.is(200);
            tells(instance, "clients", &expected).await;
        }
        let owner = instance.session("owner").await;
        let end = delete(&format!("/v1/grants/{}", grant.id)).by(&owner);
        instance.send(end).await.is(200);
        tells(instance, "grants", &json!([grant.id])).await;
        instance.pass(30 * 86_400_000).await;
        tells(instance, "grants", &json!([])).await;
    })
    .await;
}
