//! `/v1/management-tokens`: what automation manages keys with.

use claviger_model::Reason::{Conflict, NotFound, PermissionRequired, Revoked};
use serde_json::json;

use super::instance::{for_each_app, for_each_app_with, merged, text, with_management};
use super::requests::{delete, get, post};

#[tokio::test]
async fn a_token_is_shown_once_and_revoked_at_once() {
    for_each_app_with(&with_management(), async |instance| {
        let operator = instance.session("operator").await;
        let account_id = instance.account_id();
        let body = json!({
            "account_id": account_id, "name": "Terraform", "scopes": ["keys:read", "read:leads"],
        });
        let call = || {
            let call = post("/v1/management-tokens", &body).by(&operator);
            call.header("idempotency-key", "terraform")
        };
        let answer = instance.send(call()).await;
        let made = answer.is(201);
        assert_eq!(instance.send(call()).await.is(201), made);
        let token = text(&made, "token");
        assert!(token.starts_with("cm_") && token.ends_with(text(&made, "hint")));
        assert_eq!(
            (&made["scopes"], &made["account_id"]),
            (&body["scopes"], &body["account_id"])
        );
        assert!(made["expires_at"].as_i64() > made["created_at"].as_i64());
        assert_eq!(answer.header("cache-control"), "no-store");
        let list = format!("/v1/management-tokens?account_id={account_id}");
        let found = instance.send(get(&list).by(&operator)).await;
        assert!(!found.text.contains(token));
        assert_eq!(found.is(200)["data"][0]["id"], made["id"]);
        instance.send(get("/v1/keys").by(token)).await.is(200);

        let path = format!("/v1/management-tokens/{}", text(&made, "id"));
        for _ in 0..2 {
            let revoked = instance.send(delete(&path).by(&operator)).await;
            assert_eq!(revoked.is(200), json!({"ok": true}));
            instance
                .send(get("/v1/keys").by(token))
                .await
                .refused(Revoked);
        }
        let found = instance.send(get(&list).by(&operator)).await.is(200);
        assert!(found["data"][0]["revoked_at"].is_i64());
    })
    .await;
}

#[tokio::test]
async fn tokens_are_for_operators_and_checked() {
    for_each_app_with(&with_management(), async |instance| {
        let operator = instance.session("operator").await;
        let owner = instance.session("owner").await;
        let account_id = instance.account_id();
        let valid = json!({"account_id": account_id, "name": "T", "scopes": ["keys:write"]});
        let path = "/v1/management-tokens";
        let one = format!("{path}/mgt_00000000000000000000000000");
        for call in [get(path), post(path, &valid), delete(&one)] {
            instance
                .send(call.by(&owner))
                .await
                .refused(PermissionRequired);
        }
        instance
            .send(get(path).by(&operator))
            .await
            .refused_members(&["account_id"]);
        instance
            .send(delete(&one).by(&operator))
            .await
            .refused(NotFound);
        let year = 367 * 24 * 3_600_000_i64;
        for (change, member) in [
            (json!({"name": " "}), "name"),
            (json!({"scopes": ["read:leads"]}), "scopes"),
            (json!({"scopes": ["keys:write", "no:such"]}), "scopes[1]"),
            (json!({"expires_at": instance.now() - 1}), "expires_at"),
            (json!({"expires_at": instance.now() + year}), "expires_at"),
            (json!({"account_id": "acct_1"}), "account_id"),
            (json!({"token": "cm_x"}), "token"),
        ] {
            let body = merged(&valid, &change);
            instance
                .send(post(path, &body).by(&operator))
                .await
                .refused_members(&[member]);
        }
        let mut nobody = valid.clone();
        nobody["account_id"] = json!("acct_00000000000000000000000000");
        instance
            .send(post(path, &nobody).by(&operator))
            .await
            .refused(NotFound);
    })
    .await;
}

#[tokio::test]
async fn none_is_made_where_they_are_off() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        let body = json!({
            "account_id": instance.account_id(), "name": "T", "scopes": ["keys:write"],
        });
        let answer = instance
            .send(post("/v1/management-tokens", &body).by(&operator))
            .await;
        answer.refused(Conflict);
    })
    .await;
}
