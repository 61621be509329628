//! `/demo` and `/sandbox`: real rows behind the verifier.

use claviger_model::Reason::{
    CredentialMissing, EnvironmentMismatch, InsufficientScope, InvalidCredential, IpNotAllowed,
    KindNotAccepted, Malformed, NotFound, RateLimited, RouteUnknown, TooLarge,
};
use http::Method;
use serde_json::{Value, json};

use super::instance::{ADDRESS, for_each_app, text};
use super::requests::{call, get, post};

/// Where the demo's API tells which tokens it takes.
const METADATA: &str =
    "resource_metadata=\"https://live.acme.test/.well-known/oauth-protected-resource\"";

#[tokio::test]
async fn live_and_test_rows_are_apart() {
    for_each_app(async |instance| {
        let scopes = json!({"scopes": ["read:leads", "write:leads"]});
        let live = instance.key(scopes.clone()).await;
        let mut settings = scopes;
        settings["environment"] = json!("test");
        let test = instance.key(settings).await;
        let (live, test) = (text(&live, "key"), text(&test, "key"));
        let lead = json!({"name": "Ana", "environment": "x"});
        let made = instance
            .send(post("/demo/v1/leads", &lead).by(live))
            .await
            .is(201);
        assert_eq!(
            (&made["name"], &made["environment"]),
            (&json!("Ana"), &json!("live"))
        );
        let rows = instance.send(get("/demo/v1/leads").by(live)).await.is(200);
        assert_eq!(rows["data"], json!([made]));
        let rows = instance
            .send(get("/sandbox/v1/leads").by(test))
            .await
            .is(200);
        assert_eq!(rows["data"], json!([]));
        for (path, key) in [("/demo/v1/leads", test), ("/sandbox/v1/leads", live)] {
            instance
                .send(get(path).by(key))
                .await
                .refused(EnvironmentMismatch);
            instance
                .send(post(path, &lead).by(key))
                .await
                .refused(EnvironmentMismatch);
        }
    })
    .await;
}

#[tokio::test]
async fn the_demo_refuses_as_any_api_does() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        let key = text(&made, "key");
        let mut typo = key.to_owned();
        typo.replace_range(30..31, if &typo[30..31] == "x" { "y" } else { "x" });
        for (call, reason) in [
            (get("/demo/v1/leads"), CredentialMissing),
            (
                get("/demo/v1/leads").header("authorization", "Basic dTpw"),
                CredentialMissing,
            ),
            (
                get(&format!("/demo/v1/leads?api_key={key}")),
                CredentialMissing,
            ),
            (
                get(&format!("/demo/v1/leads?q={key}")).by(key),
                CredentialMissing,
            ),
            (get("/demo/v1/leads").by(&typo), InvalidCredential),
            (get("/demo/v1/leads").by(key).by(key), Malformed),
            (
                post("/demo/v1/leads", &json!({})).by(key),
                InsufficientScope,
            ),
            (get("/demo/v1/nothing").by(key), RouteUnknown),
            (call(Method::DELETE, "/demo/v1/leads").by(key), RouteUnknown),
            (get("/demo/v1//leads").by(key), RouteUnknown),
            (get("/demo/v1/%6ceads").by(key), RouteUnknown),
            (get("/demo/v1/leads;x").by(key), RouteUnknown),
            (get("/demo/v1/leads/").by(key), RouteUnknown),
            (get("/demo/v1/LEADS").by(key), RouteUnknown),
            (get("/demo/old/v1/people").by(key), KindNotAccepted),
            (get("/demo/open/anything").by(key), NotFound),
            (get("/demo").by(key), NotFound),
        ] {
            let asked = format!("{:?}", call.request);
            let error = instance.send(call).await.refused(reason);
            assert!(!error.to_string().contains(key), "{asked}");
        }
        let answer = instance.send(get("/demo/v1/leads").by(&typo)).await;
        let message = answer.json()["error"]["message"].clone();
        assert!(
            message
                .as_str()
                .is_some_and(|text| text.contains("mistyped")),
            "{message}"
        );
        assert_eq!(
            answer.header("www-authenticate"),
            format!("Bearer error=\"invalid_token\", {METADATA}")
        );
        let missing = instance.send(get("/demo/v1/leads")).await;
        assert_eq!(
            missing.header("www-authenticate"),
            format!("Bearer {METADATA}")
        );
    })
    .await;
}

#[tokio::test]
async fn limits_networks_and_bodies() {
    for_each_app(async |instance| {
        let limit = json!({"limit": 1, "window_seconds": 30});
        let made = instance
            .key(json!({"rate_limit": limit, "allowed_ips": [ADDRESS]}))
            .await;
        let key = text(&made, "key");
        // What a client writes into X-Forwarded-For is not believed.
        let pass = get("/demo/v1/leads")
            .by(key)
            .header("x-forwarded-for", "192.0.2.1");
        instance.send(pass).await.is(200);
        let answer = instance.send(get("/demo/v1/leads").by(key)).await;
        answer.refused(RateLimited);
        let seconds: u32 = answer.header("retry-after").parse().expect("seconds");
        assert!((1..=30).contains(&seconds));
        let made = instance.key(json!({"allowed_ips": ["192.0.2.1"]})).await;
        let spoofed = get("/demo/v1/leads").by(text(&made, "key"));
        let spoofed = spoofed.header("x-forwarded-for", "192.0.2.1");
        instance.send(spoofed).await.refused(IpNotAllowed);

        let made = instance.key(json!({"scopes": ["write:leads"]})).await;
        let key = text(&made, "key");
        let large = json!({"name": "x".repeat(70_000)});
        instance
            .send(post("/demo/v1/leads", &large).by(key))
            .await
            .refused(TooLarge);
        let broken = post("/demo/v1/leads", &Value::Null).raw("{").by(key);
        instance.send(broken).await.refused(Malformed);
    })
    .await;
}

#[tokio::test]
async fn the_answers_id_finds_the_decision() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        let answer = instance
            .send(post("/demo/v1/leads", &json!({})).by(text(&made, "key")))
            .await;
        let error = answer.refused(InsufficientScope);
        assert_eq!(error["message"], "This key lacks write:leads.");
        assert_eq!(error["required_scopes"], json!(["write:leads"]));
        let admin = instance.session("admin").await;
        let path = format!("/v1/decisions?request_id={}", text(&error, "request_id"));
        let found = instance.send(get(&path).by(&admin)).await.is(200);
        let decision = &found["data"][0];
        assert_eq!(
            (&decision["reason"], &decision["ip"]),
            (&json!("insufficient_scope"), &json!(ADDRESS))
        );
        assert_eq!(
            (&decision["method"], &decision["path"]),
            (&json!("POST"), &json!("/v1/leads"))
        );
    })
    .await;
}
