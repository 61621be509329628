//! `/api/keys`: the API keys of an account, for people who signed in.

use claviger_model::Reason::{
    AccountInactive, Conflict, CredentialMissing, Expired, IdempotencyMismatch, Malformed,
    NotFound, PermissionRequired, PreconditionFailed, SessionRequired, TooLarge,
    UnsupportedMediaType, Validation,
};
use claviger_model::secret;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::instance::{Instance, OPEN_API, for_each_app, text};
use super::requests::{delete, get, patch, post};

const MINUTE: i64 = 60_000;

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
            let mut body = valid();
            let members_of = change.as_object().expect("an object").clone();
            body.as_object_mut().expect("an object").extend(members_of);
            instance
                .send(post("/api/keys", &body).by(&admin))
                .await
                .refused_members(members);
        }
        let empty = instance
            .send(post("/api/keys", &json!({})).by(&admin))
            .await;
        empty.refused_members(&["name", "scopes"]);
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
async fn a_change_is_in_force_with_the_next_request() {
    for_each_app(async |instance| {
        let made = instance
            .key(json!({"scopes": ["read:leads", "write:leads"]}))
            .await;
        let key = text(&made, "key");
        let write = json!({"method": "POST", "path": "/v1/leads"});
        instance.check(key, write.clone(), "allowed").await;
        instance
            .edit_key(&made, json!({"scopes": ["read:leads"]}))
            .await;
        instance
            .check(key, write.clone(), "insufficient_scope")
            .await;
        instance.edit_key(&made, json!({"active": false})).await;
        instance.check(key, json!({}), "inactive").await;
        instance.edit_key(&made, json!({"active": true})).await;
        instance.check(key, json!({}), "allowed").await;
        instance
            .edit_key(&made, json!({"allowed_ips": ["198.51.100.0/24"]}))
            .await;
        instance
            .check(key, json!({"ip": "203.0.113.7"}), "ip_not_allowed")
            .await;
        instance.edit_key(&made, json!({"allowed_ips": null})).await;
        instance
            .check(key, json!({"ip": "203.0.113.7"}), "allowed")
            .await;
        let limit = json!({"limit": 1, "window_seconds": 86_400});
        instance.edit_key(&made, json!({"rate_limit": limit})).await;
        instance.check(key, json!({}), "allowed").await;
        instance.check(key, json!({}), "rate_limited").await;
        instance.edit_key(&made, json!({"rate_limit": null})).await;
        instance.check(key, json!({}), "allowed").await;
        instance
            .edit_key(&made, json!({"expires_at": instance.now() + MINUTE}))
            .await;
        instance.pass(MINUTE).await;
        instance.check(key, json!({}), "expired").await;
        instance.edit_key(&made, json!({"expires_at": null})).await;
        instance.check(key, json!({}), "allowed").await;
    })
    .await;
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let made = instance
            .key(json!({"description": "For reports.", "active": false}))
            .await;
        assert_eq!(
            (&made["status"], &made["active"]),
            (&json!("inactive"), &json!(false))
        );
        let path = format!("/api/keys/{}", text(&made, "id"));
        let renamed = instance
            .send(patch(&path, &json!({"name": " New "})).by(&admin))
            .await;
        let body = renamed.is(200);
        assert_eq!(
            (&body["name"], &body["description"]),
            (&json!("New"), &made["description"])
        );
        let tag = renamed.header("etag");

        let stale = patch(&path, &json!({"name": "Old"}))
            .by(&admin)
            .header("if-match", "\"1\"");
        instance.send(stale).await.refused(PreconditionFailed);
        let odd = patch(&path, &json!({"name": "Old"}))
            .by(&admin)
            .header("if-match", "W/\"2\"");
        instance.send(odd).await.refused(PreconditionFailed);
        let nothing = patch(&path, &json!({})).by(&admin).header("if-match", tag);
        assert_eq!(
            instance.send(nothing).await.header("etag"),
            tag,
            "nothing changed"
        );
        let emptied = patch(&path, &json!({"description": null}))
            .by(&admin)
            .header("if-match", tag);
        assert_eq!(instance.send(emptied).await.is(200)["description"], "");

        for (change, member) in [
            (json!({"environment": "test"}), "environment"),
            (json!({"key": "ck_live_x"}), "key"),
            (json!({"scopes": ["no:such"]}), "scopes[0]"),
            (json!({"expires_at": 1}), "expires_at"),
        ] {
            instance
                .send(patch(&path, &change).by(&admin))
                .await
                .refused_members(&[member]);
        }
        let event = instance.newest_event("key.changed").await;
        assert_eq!(
            event["before"],
            json!({"description": "For reports."}),
            "{event}"
        );
        assert_eq!(event["after"], json!({"description": ""}), "{event}");
    })
    .await;
}

#[tokio::test]
async fn a_revoked_key_is_refused_by_the_very_next_request() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let made = instance.key(json!({})).await;
        let (path, key) = (
            format!("/api/keys/{}", text(&made, "id")),
            text(&made, "key"),
        );
        instance.send(get("/demo/v1/leads").by(key)).await.is(200);
        let reason = delete(&path)
            .by(&admin)
            .json(&json!({"reason": "It leaked."}));
        assert_eq!(instance.send(reason).await.is(200), json!({"ok": true}));
        instance
            .send(get("/demo/v1/leads").by(key))
            .await
            .refused(claviger_model::Reason::Revoked);
        instance.check(key, json!({}), "revoked").await;

        let shown = instance.send(get(&path).by(&admin)).await.is(200);
        assert_eq!(shown["status"], "revoked");
        assert!(shown["revoked_at"].is_i64());
        let again = instance.send(delete(&path).by(&admin)).await.is(200);
        assert_eq!(again, json!({"ok": true}));
        let change = patch(&path, &json!({"active": true})).by(&admin);
        instance.send(change).await.refused(Conflict);
        assert!(listed(instance, &admin, "").await.is_empty());
        assert_eq!(listed(instance, &admin, "?status=all").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn another_accounts_key_is_unknown() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        let (_, neighbour) = instance.neighbour().await;
        let id = text(&made, "id");
        let rest = id.strip_prefix("key_").expect("the prefix");
        for id in [
            id,
            "key_0",
            "nonsense",
            &format!("sec_{rest}"),
            &id.to_uppercase(),
            "%2e%2e",
        ] {
            let path = format!("/api/keys/{id}");
            for call in [
                get(&path),
                patch(&path, &json!({"name": "Mine"})),
                delete(&path),
            ] {
                instance.send(call.by(&neighbour)).await.refused(NotFound);
            }
        }
        assert!(listed(instance, &neighbour, "?status=all").await.is_empty());
        instance
            .check(text(&made, "key"), json!({}), "allowed")
            .await;
    })
    .await;
}

#[tokio::test]
async fn only_sessions_with_the_settings_permission_manage_keys() {
    for_each_app(async |instance| {
        let made = instance.key(json!({"scopes": ["admin"]})).await;
        let id = text(&made, "id");
        let path = format!("/api/keys/{id}");
        let calls = || {
            [
                get("/api/keys"),
                post("/api/keys", &valid()),
                get(&path),
                patch(&path, &json!({"name": "Mine"})),
                delete(&path),
            ]
        };
        let developer = instance.session("developer").await;
        let viewer = instance.session("viewer").await;
        let operator = instance.session("operator").await;
        for token in [&developer, &viewer, &operator] {
            for call in calls() {
                instance
                    .send(call.by(token))
                    .await
                    .refused(PermissionRequired);
            }
        }
        for call in calls() {
            instance
                .send(call.by(text(&made, "key")))
                .await
                .refused(SessionRequired);
        }
        for call in calls() {
            instance.send(call).await.refused(CredentialMissing);
        }

        let owner = instance.session("owner").await;
        let role = json!({"name": "Key manager", "permissions": ["settings"]});
        instance
            .send(post("/v1/roles", &role).by(&owner))
            .await
            .is(201);
        instance
            .add_member("keys@acme.test", "Key manager", &instance.account_id())
            .await;
        let manager = instance.sign_in("keys@acme.test").await;
        for (call, status) in calls().into_iter().zip([200, 201, 200, 200, 200]) {
            instance.send(call.by(&manager)).await.is(status);
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

#[tokio::test]
async fn an_idempotency_key_creates_once() {
    for_each_app(async |instance| {
        let (admin, owner) = (
            instance.session("admin").await,
            instance.session("owner").await,
        );
        let create = |token: &str, body: &Value| {
            post("/api/keys", body)
                .by(token)
                .header("idempotency-key", "first")
        };
        let made = instance.send(create(&admin, &valid())).await.is(201);
        assert_eq!(instance.send(create(&admin, &valid())).await.is(201), made);
        let other = json!({"name": "Another", "scopes": ["read:leads"]});
        instance
            .send(create(&admin, &other))
            .await
            .refused(IdempotencyMismatch);
        let theirs = instance.send(create(&owner, &valid())).await.is(201);
        assert_ne!(
            theirs["id"], made["id"],
            "another actor's header is another one"
        );
        let odd = post("/api/keys", &valid())
            .by(&admin)
            .header("idempotency-key", &"x".repeat(256));
        instance.send(odd).await.refused(Malformed);

        instance.pass(10 * MINUTE).await;
        let late = instance.send(create(&admin, &valid())).await.is(201);
        assert_eq!(late["id"], made["id"]);
        assert!(
            late.get("key").is_none(),
            "the secret is replayed for ten minutes only"
        );
        assert_eq!(listed(instance, &admin, "").await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_body_that_is_refused_leaves_its_idempotency_key_free() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let create = |body: &Value| {
            post("/api/keys", body)
                .by(&admin)
                .header("idempotency-key", "k")
        };
        let bad = json!({"name": "x", "scopes": ["no:such"]});
        instance
            .send(create(&bad))
            .await
            .refused_members(&["scopes[0]"]);
        instance.send(create(&valid())).await.is(201);
    })
    .await;
}

#[tokio::test]
async fn of_64_at_once_with_one_idempotency_key_one_creates() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let create = || {
            post("/api/keys", &valid())
                .by(&admin)
                .header("idempotency-key", "once")
        };
        let sent: Vec<_> = (0..64).map(|_| instance.send(create())).collect();
        let mut found = std::collections::BTreeSet::new();
        for answer in join_all(sent).await {
            let body = answer.is(201);
            found.insert((text(&body, "id").to_owned(), text(&body, "key").to_owned()));
        }
        assert_eq!(found.len(), 1);
        assert_eq!(listed(instance, &admin, "?status=all").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn nobody_manages_keys_of_a_suspended_account() {
    for_each_app(async |instance| {
        let (admin, operator) = (
            instance.session("admin").await,
            instance.session("operator").await,
        );
        let made = instance.key(json!({})).await;
        let path = format!("/v1/accounts/{}", instance.account_id());
        let suspended = json!({"status": "suspended"});
        instance
            .send(patch(&path, &suspended).by(&operator))
            .await
            .is(200);
        instance
            .send(get("/api/keys").by(&admin))
            .await
            .refused(AccountInactive);
        instance
            .check(
                text(&made, "key"),
                json!({"api": OPEN_API}),
                "account_inactive",
            )
            .await;
        instance
            .send(patch(&path, &json!({"status": "active"})).by(&operator))
            .await
            .is(200);
        assert_eq!(listed(instance, &admin, "").await.len(), 1);
        instance
            .check(text(&made, "key"), json!({"api": OPEN_API}), "allowed")
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_after_a_day() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        instance.pass(24 * 60 * MINUTE).await;
        instance
            .send(get("/api/keys").by(&admin))
            .await
            .refused(Expired);
    })
    .await;
}
