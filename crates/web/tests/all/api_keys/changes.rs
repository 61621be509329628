//! Changing and revoking a key.

use claviger_model::Reason::{Conflict, PreconditionFailed, Revoked};
use serde_json::json;

use super::listed;
use crate::instance::{for_each_app, text};
use crate::requests::{delete, get, patch};

const MINUTE: i64 = 60_000;

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
            .refused(Revoked);
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
