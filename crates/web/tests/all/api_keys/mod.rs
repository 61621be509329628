//! `/api/keys`: the API keys of an account, for people who signed in.

mod access;
mod changes;
mod idempotency;

use claviger_model::Reason::{Malformed, TooLarge, UnsupportedMediaType, Validation};
use claviger_model::secret;
use serde_json::{Value, json};

use crate::instance::{Instance, for_each_app, merged, text};
use crate::requests::{get, post};

fn valid() -> Value {
    json!({"name": "Reporting Script", "scopes": ["read:leads"]})
}

async fn listed(instance: &Instance, token: &str, query: &str) -> Vec<Value> {
    let answer = instance
        .send(get(&format!("/api/keys{query}")).by(token))
        .await;
    answer.is(200).as_array().expect("a bare array").clone()
}

#[tokio::test]
async fn a_key_is_shown_once() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let answer = instance.send(post("/api/keys", &valid()).by(&admin)).await;
        let made = answer.is(201);
        let (id, key) = (text(&made, "id"), text(&made, "key"));
        assert!(
            id.starts_with("key_") && key.starts_with("ck_live_"),
            "{made}"
        );
        secret::parse(key).expect("a secret of ours");
        assert_eq!(text(&made, "hint"), &key[key.len() - 4..]);
        assert_eq!(made["name"], "Reporting Script");
        assert_eq!(made["scopes"], json!(["read:leads"]));
        assert!(
            made["created_at"].is_i64() && made["expires_at"].is_null(),
            "{made}"
        );
        assert_eq!(made["account_id"], instance.account_id());
        assert_eq!(answer.header("location"), format!("/api/keys/{id}"));
        assert_eq!(answer.header("cache-control"), "no-store");

        let shown = instance
            .send(get(&format!("/api/keys/{id}")).by(&admin))
            .await;
        assert!(!shown.text.contains(key) && shown.is(200).get("key").is_none());
        assert_eq!(shown.header("etag"), answer.header("etag"));
        let listed = listed(instance, &admin, "").await;
        assert_eq!(listed, [shown.json()]);
        instance.check(key, json!({}), "allowed").await;
    })
    .await;
}

#[tokio::test]
async fn members_that_are_not_acceptable_are_named() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let long = "x".repeat(201);
        let past = instance.now() - 1;
        for (change, members) in [
            (json!({"name": long}), &["name"][..]),
            (json!({"name": "  "}), &["name"]),
            (json!({"name": "a\u{7}b"}), &["name"]),
            (json!({"name": 7}), &["name"]),
            (json!({"name": null, "scopes": null}), &["name", "scopes"]),
            (json!({"scopes": []}), &["scopes"]),
            (json!({"scopes": "read:leads"}), &["scopes"]),
            (json!({"scopes": ["read:leads", 7]}), &["scopes[1]"]),
            (json!({"scopes": ["read:leads", "no:such"]}), &["scopes[1]"]),
            (json!({"scopes": ["a b"]}), &["scopes[0]"]),
            (json!({"scopes": ["keys:write"]}), &["scopes[0]"]),
            (
                json!({"scopes": ["admin"], "environment": "test"}),
                &["scopes[0]"],
            ),
            (json!({"environment": "staging"}), &["environment"]),
            (json!({"active": "yes"}), &["active"]),
            (json!({"expires_at": past}), &["expires_at"]),
            (
                json!({"expires_at": instance.now() / 1_000 + 3_600}),
                &["expires_at"],
            ),
            (json!({"expires_at": i64::MAX}), &["expires_at"]),
            (json!({"expires_at": "2030-01-01"}), &["expires_at"]),
            (json!({"description": "x".repeat(1_001)}), &["description"]),
            (
                json!({"allowed_ips": ["10.0.0.0/8", "10.0.0.300"]}),
                &["allowed_ips[1]"],
            ),
            (
                json!({"rate_limit": {"limit": 0, "window_seconds": 60}}),
                &["rate_limit"],
            ),
            (
                json!({"rate_limit": {"limit": 5}}),
                &["rate_limit.window_seconds"],
            ),
            (
                json!({"rate_limit": {"limit": 5, "per": 1}}),
                &["rate_limit.per"],
            ),
            (json!({"colour": "red"}), &["colour"]),
            (
                json!({"account_id": instance.account_id()}),
                &["account_id"],
            ),
            (json!({"id": "key_x"}), &["id"]),
            (
                json!({"name": long, "expires_at": past}),
                &["expires_at", "name"],
            ),
        ] {
            let body = merged(&valid(), &change);
            instance
                .send(post("/api/keys", &body).by(&admin))
                .await
                .refused_members(members);
        }
        assert!(listed(instance, &admin, "?status=all").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let typed = |body: &str, content_type: &str| {
            let call = post("/api/keys", &Value::Null).raw(body).by(&admin);
            let mut call = call;
            let headers = call.request.headers_mut().expect("headers");
            headers.insert("content-type", content_type.parse().expect("a value"));
            call
        };
        let json_type = "application/json; charset=utf-8";
        let twice = "{\"name\":\"a\",\"name\":\"b\",\"scopes\":[\"read:leads\"]}";
        let large = format!("{{\"name\":\"{}\"}}", "x".repeat(64 * 1024));
        for (call, reason) in [
            (typed("{\"name\": \"x\"", json_type), Malformed),
            (typed("{\"name\": \"x\"} {}", json_type), Malformed),
            (typed("name=x", json_type), Malformed),
            (typed("\u{feff}{}", json_type), Malformed),
            (typed("[]", json_type), Validation),
            (typed(twice, json_type), Validation),
            (typed("null", json_type), Validation),
            (typed("{}", "text/plain"), UnsupportedMediaType),
            (
                typed("name=x", "application/x-www-form-urlencoded"),
                UnsupportedMediaType,
            ),
            (
                post("/api/keys", &json!({}))
                    .by(&admin)
                    .header("idempotency-key", ""),
                Malformed,
            ),
            (typed(&large, json_type), TooLarge),
        ] {
            instance.send(call).await.refused(reason);
        }
    })
    .await;
}

#[tokio::test]
async fn a_list_comes_in_pages() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        for name in ["a", "b", "c", "d", "e"] {
            let environment = if name == "c" { "test" } else { "live" };
            instance
                .key(json!({"name": name, "environment": environment}))
                .await;
        }
        let mut names = Vec::new();
        let mut next = Some("/api/keys?limit=2".to_owned());
        while let Some(path) = next {
            let answer = instance.send(get(&path).by(&admin)).await;
            let keys = answer.is(200).as_array().expect("an array").clone();
            assert!((1..=2).contains(&keys.len()), "{keys:?}");
            names.extend(keys.iter().map(|key| text(key, "name").to_owned()));
            let link = answer
                .headers
                .get("link")
                .and_then(|link| link.to_str().ok());
            next = link.map(|link| {
                let path = link
                    .strip_prefix('<')
                    .and_then(|l| l.strip_suffix(">; rel=\"next\""));
                path.expect("a link").to_owned()
            });
        }
        assert_eq!(names, ["e", "d", "c", "b", "a"]);
        assert_eq!(listed(instance, &admin, "?environment=test").await.len(), 1);
        for (query, member) in [
            ("?limit=0", "limit"),
            ("?limit=1001", "limit"),
            ("?limit=many", "limit"),
            ("?cursor=x", "cursor"),
            ("?status=gone", "status"),
            ("?environment=staging", "environment"),
        ] {
            let path = format!("/api/keys{query}");
            instance
                .send(get(&path).by(&admin))
                .await
                .refused_members(&[member]);
        }
    })
    .await;
}
