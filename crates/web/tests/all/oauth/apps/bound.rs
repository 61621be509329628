//! Codes and refresh tokens of apps that hold a key (RFC 9449 sections 5 and 10).

use claviger_service::settings::{OAuthSettings, Settings};
use futures_util::future::join_all;
use serde_json::json;

use super::super::client_keys::ClientKey;
use super::super::dpop::{bound, proof_claims, settings, thumbprint};
use super::super::{claims, form};
use super::{Kind, TestApp, code, exchange};
use crate::instance::{Instance, for_each_app_with, text};
use crate::requests::{Call, get, post};

fn with_proof(call: Call, instance: &Instance, key: &ClientKey) -> Call {
    let claims = proof_claims(instance, "POST", "/oauth/token", &json!({}));
    call.header("dpop", &key.proof(&claims))
}

#[tokio::test]
async fn the_refresh_tokens_of_a_public_app_need_the_key_of_the_first_exchange() {
    for_each_app_with(&settings(false), async |instance| {
        let app = Kind::public().make(instance).await;
        let (key, other) = (ClientKey::p256(), ClientKey::p256());
        let code = app.code(instance, "read:leads").await;
        let call = with_proof(app.exchange(&code), instance, &key);
        let first = instance.send(call).await.is(200);
        assert_eq!(first["token_type"], "DPoP");
        let jkt = json!({"jkt": thumbprint(&key)});
        assert_eq!(claims(text(&first, "access_token"))["cnf"], jkt);
        let without = app.refresh(&first);
        instance
            .send(without)
            .await
            .oauth_error(400, "invalid_grant");
        let by_other = with_proof(app.refresh(&first), instance, &other);
        instance
            .send(by_other)
            .await
            .oauth_error(400, "invalid_grant");
        // Neither used it up.
        let call = with_proof(app.refresh(&first), instance, &key);
        let second = instance.send(call).await.is(200);
        assert_eq!(claims(text(&second, "access_token"))["cnf"], jkt);
        // The access token works for the user with a proof.
        let token = text(&second, "access_token");
        let ath = json!({"ath": claviger_verify::jose::hash_text(token)});
        let proof = key.proof(&proof_claims(instance, "GET", "/demo/v1/leads", &ath));
        let call = bound(get("/demo/v1/leads"), token, &proof);
        instance.send(call).await.is(200);
        let plain = get("/demo/v1/leads").by(token);
        assert_eq!(instance.send(plain).await.status, 401);
    })
    .await;
}

#[tokio::test]
async fn an_app_with_a_secret_may_change_keys() {
    for_each_app_with(&settings(false), async |instance| {
        let app = Kind::default().make(instance).await;
        let (key, other) = (ClientKey::p256(), ClientKey::ed25519());
        let code = app.code(instance, "read:leads").await;
        let call = with_proof(app.exchange(&code), instance, &key);
        let first = instance.send(call).await.is(200);
        let call = with_proof(app.refresh(&first), instance, &other);
        let second = instance.send(call).await.is(200);
        let jkt = json!({"jkt": thumbprint(&other)});
        assert_eq!(claims(text(&second, "access_token"))["cnf"], jkt);
        let third = instance.send(app.refresh(&second)).await.is(200);
        assert_eq!(third["token_type"], "Bearer");
    })
    .await;
}

async fn bound_code(instance: &Instance, app: &TestApp, key: &ClientKey) -> String {
    let mut allowed = app.allowed(instance, "read:leads").await;
    allowed.authorized.jkt = Some(thumbprint(key));
    code(instance, &allowed).await.0
}

#[tokio::test]
async fn a_code_that_is_bound_to_a_key_is_exchanged_with_it_alone() {
    for_each_app_with(&settings(false), async |instance| {
        for kind in [Kind::default(), Kind::public()] {
            let app = kind.make(instance).await;
            let (key, other) = (ClientKey::p256(), ClientKey::p256());
            let code = bound_code(instance, &app, &key).await;
            let without = app.exchange(&code);
            instance
                .send(without)
                .await
                .oauth_error(400, "invalid_grant");
            let by_other = with_proof(app.exchange(&code), instance, &other);
            instance
                .send(by_other)
                .await
                .oauth_error(400, "invalid_grant");
            let by_key = with_proof(app.exchange(&code), instance, &key);
            assert_eq!(instance.send(by_key).await.is(200)["token_type"], "DPoP");
        }
    })
    .await;
}

#[tokio::test]
async fn a_proof_that_was_used_before_does_not_use_up_the_code() {
    for_each_app_with(&settings(false), async |instance| {
        let app = Kind::public().make(instance).await;
        let key = ClientKey::p256();
        let proof = key.proof(&proof_claims(instance, "POST", "/oauth/token", &json!({})));
        let (one, other) = (
            app.code(instance, "read:leads").await,
            app.code(instance, "read:leads").await,
        );
        let exchanges = [&one, &other].map(|code| {
            let call = app.exchange(code).header("dpop", &proof);
            instance.send(call)
        });
        let answers = join_all(exchanges).await;
        let given = answers.iter().filter(|answer| answer.status == 200);
        assert_eq!(given.count(), 1, "{answers:?}");
        let left = usize::from(answers[0].status == 200);
        answers[left].oauth_error(400, "invalid_dpop_proof");
        let left = [&one, &other][left];
        let call = with_proof(form("/oauth/token", &exchange(left)), instance, &key);
        let call = call.header("x", "y");
        instance.send(call).await.oauth_error(401, "invalid_client");
        let call = with_proof(app.exchange(left), instance, &key);
        instance.send(call).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn a_pushed_request_binds_its_code_to_the_key_of_its_proof() {
    let settings = Settings {
        oauth: OAuthSettings {
            pushed_authorization_requests: true,
            ..settings(false).oauth
        },
        ..Settings::default()
    };
    for_each_app_with(&settings, async |instance| {
        let admin = instance.session("admin").await;
        let callback = "https://app.test/cb";
        let body = json!({"name": "Calendar", "kind": "app", "public": true,
            "scopes": ["read:leads"], "redirect_uris": [callback]});
        let made = instance.send(post("/v1/clients", &body).by(&admin)).await;
        let made = made.is(201);
        let key = ClientKey::p256();
        let (own, other) = (thumbprint(&key), thumbprint(&ClientKey::p256()));
        let push = |jkt: &str, path: &str| {
            let pairs = [
                ("client_id", text(&made, "client_id")),
                ("response_type", "code"),
                ("redirect_uri", callback),
                ("scope", "read:leads"),
                (
                    "code_challenge",
                    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                ),
                ("code_challenge_method", "S256"),
                ("dpop_jkt", jkt),
            ];
            let proof = key.proof(&proof_claims(instance, "POST", path, &json!({})));
            form("/oauth/par", &pairs).header("dpop", &proof)
        };
        for jkt in ["", &own] {
            instance.send(push(jkt, "/oauth/par")).await.is(201);
        }
        let answer = instance.send(push(&other, "/oauth/par")).await;
        answer.oauth_error(400, "invalid_dpop_proof");
        let answer = instance.send(push("", "/oauth/token")).await;
        answer.oauth_error(400, "invalid_dpop_proof");
    })
    .await;
}
