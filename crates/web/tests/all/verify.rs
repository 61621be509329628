//! `/v1/verify` and `/v1/verify/batch`: the decision as JSON, on the internal listener.

use claviger_model::Reason::{Malformed, NotFound, TooLarge, Validation};
use claviger_web::{Options, Web, router};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::instance::{API, Instance, OLD_API, OPEN_API, for_each_app, text};
use super::requests::{delete, get, patch, post};

/// One character of a key that is another one.
fn mistyped(key: &str, at: usize) -> String {
    let mut text = key.to_owned();
    let other = if &key[at..=at] == "x" { "y" } else { "x" };
    text.replace_range(at..=at, other);
    text
}

#[tokio::test]
async fn a_decision_has_the_members_of_the_contract() {
    for_each_app(async |instance| {
        let limit = json!({"limit": 100, "window_seconds": 60});
        let made = instance.key(json!({"rate_limit": limit})).await;
        let ask = json!({"api": API, "method": "GET", "path": "/v1/leads?page=2", "ip": "::1"});
        let mut question = ask.clone();
        question["credential"] = made["key"].clone();
        let answer = instance.send_inside(post("/v1/verify", &question)).await;
        let decision = answer.is(200);
        assert_eq!(decision["request_id"], answer.header("request-id"));
        for (member, expected) in [
            ("allowed", json!(true)),
            ("reason", json!("allowed")),
            ("account_id", json!(instance.account_id())),
            ("subject", made["id"].clone()),
            ("environment", json!("live")),
            ("scopes", json!(["read:leads"])),
            ("expires_at", Value::Null),
        ] {
            assert_eq!(decision[member], expected, "{member}: {decision}");
        }
        let credential = json!({
            "kind": "api_key", "id": made["id"], "secret_id": made["secrets"][0]["id"],
            "name": "Script",
        });
        assert_eq!(decision["credential"], credential);
        let checks = decision["checks"].as_array().expect("an array");
        assert_eq!(checks[0], json!({"check": "secret", "ok": true}));
        assert!(checks.iter().all(|check| check["ok"] == true), "{checks:?}");
        assert!(decision["epoch"].as_i64() > Some(0) && decision["staleness_ms"].is_u64());
        let rate = &decision["rate_limit"];
        assert_eq!(
            (&rate["limit"], &rate["remaining"]),
            (&json!(100), &json!(99))
        );
        assert!(rate["reset_ms"].as_u64() > Some(0));
        assert!(!answer.text.contains(text(&made, "key")));
    })
    .await;
}

#[tokio::test]
async fn scopes_routes_and_environments() {
    for_each_app(async |instance| {
        let live = instance
            .key(json!({"scopes": ["read:leads", "write:people"]}))
            .await;
        let test = instance.key(json!({"environment": "test"})).await;
        let (live, test) = (text(&live, "key"), text(&test, "key"));
        assert!(test.starts_with("ck_test_"));
        let read = |path: &str| json!({"method": "GET", "path": path});
        for (credential, ask, reason) in [
            (live, json!({}), "allowed"),
            (live, read("/v1/leads"), "allowed"),
            (
                live,
                json!({"method": "POST", "path": "/v1/people"}),
                "allowed",
            ),
            (
                live,
                json!({"method": "POST", "path": "/v1/leads"}),
                "insufficient_scope",
            ),
            (live, read("/v1/properties"), "insufficient_scope"),
            (live, json!({"scopes": ["read:leads"]}), "allowed"),
            (
                live,
                json!({"scopes": ["read:leads", "webhooks"]}),
                "insufficient_scope",
            ),
            (
                live,
                json!({"method": "DELETE", "path": "/v1/leads"}),
                "route_unknown",
            ),
            (live, json!({"path": "/v1/leads"}), "route_unknown"),
            (
                live,
                json!({"method": "PUT", "path": "/v1/open"}),
                "allowed",
            ),
            (
                live,
                json!({"api": OPEN_API, "method": "PUT", "path": "/any/thing"}),
                "allowed",
            ),
            (live, json!({"api": OLD_API}), "kind_not_accepted"),
            (live, json!({"api": "https://no.acme.test"}), "unknown_api"),
            (live, json!({"environment": "test"}), "environment_mismatch"),
            (test, json!({"environment": "test"}), "allowed"),
            (test, json!({"environment": "live"}), "environment_mismatch"),
            (test, json!({}), "environment_mismatch"),
        ] {
            instance.check(credential, ask, reason).await;
        }
        let ask = json!({"method": "POST", "path": "/v1/leads", "scopes": ["read:leads"]});
        let decision = instance.verify(live, ask).await;
        assert_eq!(
            decision["required_scopes"],
            json!(["write:leads", "read:leads"])
        );
        assert_eq!(decision["missing_scopes"], json!(["write:leads"]));
        assert_eq!(decision["message"], "This key lacks write:leads.");
    })
    .await;
}

#[tokio::test]
async fn a_path_has_one_reading_or_none() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        let key = text(&made, "key");
        for path in [
            "/v1//leads",
            "//v1/leads",
            "/v1/leads/",
            "/v1/./leads",
            "/v1/open/../leads",
            "/v1/%2e%2e/v1/leads",
            "/v1%2fleads",
            "/v1%5cleads",
            "/v1\\leads",
            "/v1/leads;x=1",
            "/v1/leads%3Bx",
            "/v1/leads%00",
            "/v1/leads%",
            "/v1/leads%zz",
            "/v1/leads ",
            "/V1/leads",
            "/v1/Leads",
            "/v1/leads#x",
            "v1/leads",
            "*",
            "",
        ] {
            let ask = json!({"method": "GET", "path": path});
            instance.check(key, ask, "route_unknown").await;
        }
        for path in ["/a//b", "/a/../b", "/a%2fb", "/a;b"] {
            let ask = json!({"api": OPEN_API, "method": "GET", "path": path});
            instance.check(key, ask, "route_unknown").await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_does_not_hold_the_secret_is_told_nothing() {
    for_each_app(async |instance| {
        let made = instance.key(json!({"active": false})).await;
        let key = text(&made, "key");
        instance.check(key, json!({}), "inactive").await;
        for credential in [
            mistyped(key, key.len() - 1),
            mistyped(key, 20),
            mistyped(key, 0),
            key[..key.len() - 1].to_owned(),
            format!("{key}x"),
            format!(" {key}"),
            "ck_live_".to_owned(),
            "x".repeat(10_000),
            "\u{0}".to_owned(),
            "Bearer".to_owned(),
        ] {
            let decision = instance.verify(&credential, json!({})).await;
            assert_eq!(decision["reason"], "invalid_credential", "{credential}");
            for member in ["account_id", "subject", "credential", "rate_limit"] {
                assert!(decision[member].is_null(), "{member}: {decision}");
            }
        }
        instance.check("", json!({}), "credential_missing").await;
    })
    .await;
}

#[tokio::test]
async fn every_way_to_take_power_away_is_in_force_at_once() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let operator = instance.session("operator").await;
        let made = instance
            .key(json!({"expires_at": instance.now() + 60_000}))
            .await;
        let key = text(&made, "key");
        let account = format!("/v1/accounts/{}", instance.account_id());
        let set = |status: &str| patch(&account, &json!({"status": status})).by(&operator);
        instance.check(key, json!({}), "allowed").await;
        instance.send(set("suspended")).await.is(200);
        instance.check(key, json!({}), "account_inactive").await;
        instance.send(set("active")).await.is(200);
        instance.check(key, json!({}), "allowed").await;
        instance.pass(60_000).await;
        instance.check(key, json!({}), "expired").await;
        let path = format!("/api/keys/{}", text(&made, "id"));
        instance.send(delete(&path).by(&admin)).await.is(200);
        instance.check(key, json!({}), "revoked").await;
        // Of a revoked credential the account tells nothing more.
        instance.send(set("suspended")).await.is(200);
        instance.check(key, json!({}), "revoked").await;
    })
    .await;
}

#[tokio::test]
async fn admin_implies_every_scope_and_is_never_a_test_keys() {
    for_each_app(async |instance| {
        let made = instance.key(json!({"scopes": ["admin"]})).await;
        let key = text(&made, "key");
        for (method, path) in [("GET", "/v1/leads"), ("POST", "/v1/interviews")] {
            instance
                .check(key, json!({"method": method, "path": path}), "allowed")
                .await;
        }
        instance
            .check(key, json!({"scopes": ["webhooks"]}), "allowed")
            .await;
        let admin = instance.session("admin").await;
        let body = json!({"name": "x", "scopes": ["admin"], "environment": "test"});
        let refused = instance.send(post("/api/keys", &body).by(&admin)).await;
        refused.refused_members(&["scopes[0]"]);
    })
    .await;
}

#[tokio::test]
async fn limits_and_networks() {
    for_each_app(async |instance| {
        let limit = json!({"limit": 2, "window_seconds": 3_600});
        let made = instance.key(json!({"rate_limit": limit})).await;
        let key = text(&made, "key");
        // What is refused for another reason costs nothing.
        instance
            .check(key, json!({"scopes": ["webhooks"]}), "insufficient_scope")
            .await;
        instance.check(key, json!({}), "allowed").await;
        instance.check(key, json!({}), "allowed").await;
        let decision = instance.verify(key, json!({})).await;
        assert_eq!(decision["reason"], "rate_limited");
        assert_eq!(decision["rate_limit"]["remaining"], 0);

        let networks = json!(["198.51.100.0/24", "2001:db8::1"]);
        let made = instance.key(json!({"allowed_ips": networks})).await;
        let key = text(&made, "key");
        for (ip, reason) in [
            (json!("198.51.100.9"), "allowed"),
            (json!("::ffff:198.51.100.9"), "allowed"),
            (json!("2001:db8::1"), "allowed"),
            (json!("198.51.101.9"), "ip_not_allowed"),
            (json!("2001:db8::2"), "ip_not_allowed"),
            (Value::Null, "ip_not_allowed"),
        ] {
            instance.check(key, json!({"ip": ip}), reason).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_session_may_what_its_role_may() {
    for_each_app(async |instance| {
        let viewer = instance.session("viewer").await;
        instance
            .check(
                &viewer,
                json!({"method": "GET", "path": "/v1/leads"}),
                "allowed",
            )
            .await;
        let write = json!({"method": "POST", "path": "/v1/leads"});
        instance
            .check(&viewer, write.clone(), "insufficient_scope")
            .await;
        instance
            .check(&viewer, json!({"api": OPEN_API}), "kind_not_accepted")
            .await;
        let developer = instance.session("developer").await;
        instance.check(&developer, write, "allowed").await;
        let decision = instance.verify(&developer, json!({})).await;
        assert_eq!(decision["credential"]["kind"], "session");
        assert!(text(&decision, "subject").starts_with("usr_"));
    })
    .await;
}

#[tokio::test]
async fn a_batch_takes_a_hundred() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        let ask = |count: usize| {
            let one = json!({"credential": made["key"], "method": "GET", "path": "/v1/leads"});
            let other = json!({"credential": "x"});
            (0..count)
                .map(|at| if at == 1 { other.clone() } else { one.clone() })
                .collect()
        };
        let hundred: Vec<Value> = ask(100);
        for body in [json!({"requests": hundred}), json!(hundred)] {
            let answer = instance
                .send_inside(post("/v1/verify/batch", &body))
                .await
                .is(200);
            let data = answer["data"].as_array().expect("an array");
            assert_eq!(data.len(), 100);
            let refused: Vec<usize> = (0..100)
                .filter(|at| data[*at]["allowed"] == json!(false))
                .collect();
            assert_eq!(refused, [1]);
            let mut ids: Vec<&str> = data.iter().map(|one| text(one, "request_id")).collect();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), 100, "each has an id of its own");
        }
        let more: Vec<Value> = ask(101);
        let answer = instance
            .send_inside(post("/v1/verify/batch", &json!(more)))
            .await;
        answer.refused_members(&["requests"]);
        let none = instance
            .send_inside(post("/v1/verify/batch", &json!([])))
            .await;
        assert_eq!(none.is(200), json!({"data": []}));
    })
    .await;
}

#[tokio::test]
async fn questions_that_cannot_be_read_are_refused() {
    for_each_app(async |instance| {
        let ask = |body: Value| instance.send_inside(post("/v1/verify", &body));
        for (body, member) in [
            (json!({}), "credential"),
            (json!({"credential": 7}), "credential"),
            (
                json!({"credential": "x", "environment": "staging"}),
                "environment",
            ),
            (json!({"credential": "x", "ip": "1.2.3"}), "ip"),
            (json!({"credential": "x", "scopes": "read"}), "scopes"),
            (json!({"credential": "x", "colour": 1}), "colour"),
        ] {
            ask(body).await.refused_members(&[member]);
        }
        ask(json!([])).await.refused(Validation);
        let broken = post("/v1/verify", &Value::Null).raw("{\"credential\":");
        instance.send_inside(broken).await.refused(Malformed);
        ask(json!({"credential": "x".repeat(70_000)}))
            .await
            .refused(TooLarge);
    })
    .await;
}

#[tokio::test]
async fn the_internal_listener_is_another_one() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let question = json!({"credential": admin});
        instance
            .send(post("/v1/verify", &question))
            .await
            .refused(NotFound);
        instance.send(get("/metrics")).await.refused(NotFound);
        instance
            .send_inside(get("/api/keys").by(&admin))
            .await
            .refused(NotFound);
        assert_eq!(
            instance.send_inside(get("/healthz")).await.is(200)["status"],
            "ok"
        );
        instance.send_inside(get("/readyz")).await.is(200);
        let metrics = instance.send_inside(get("/metrics")).await;
        assert!(
            metrics.text.contains("claviger_decisions"),
            "{}",
            metrics.text
        );
        with_a_token(instance).await;
    })
    .await;
}

/// The internal listener of a configuration that asks for a token.
async fn with_a_token(instance: &Instance) {
    let internal_token = Some(String::from("the internal token").into());
    let web = Web::new(
        instance.app().clone(),
        Options {
            internal_token,
            ..Options::default()
        },
    );
    let router = router::internal(web);
    for (sent, status) in [
        (None, 401),
        (Some("wrong"), 401),
        (Some("the internal token"), 200),
    ] {
        let mut call = post("/v1/verify", &json!({"credential": "x"}));
        if let Some(sent) = sent {
            call = call.header("claviger-token", sent);
        }
        let Ok(response) = router.clone().oneshot(call.into_request()).await;
        assert_eq!(response.status(), status, "{sent:?}");
    }
}
