//! Who may manage which keys.

use claviger_model::Reason::{
    AccountInactive, CredentialMissing, Expired, NotFound, PermissionRequired, SessionRequired,
};
use serde_json::json;

use super::{listed, valid};
use crate::instance::{OPEN_API, for_each_app, text};
use crate::requests::{delete, get, patch, post};

const MINUTE: i64 = 60_000;

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
