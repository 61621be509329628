//! `/v1/accounts`: the operator's customers.

use claviger_model::Reason::{
    IdempotencyMismatch, NotFound, PermissionRequired, PreconditionFailed,
};
use claviger_model::ids::AccountId;
use serde_json::json;

use super::instance::{for_each_app, text};
use super::requests::{get, patch, post};

#[tokio::test]
async fn an_account_is_made_renamed_and_suspended() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        let create = |name: &str| {
            post("/v1/accounts", &json!({"name": name}))
                .by(&operator)
                .header("idempotency-key", "k")
        };
        let answer = instance.send(create(" Globex ")).await;
        let made = answer.is(201);
        assert_eq!(
            (&made["name"], &made["status"]),
            (&json!("Globex"), &json!("active"))
        );
        assert!(made["suspended_at"].is_null() && made["created_at"].is_i64());
        assert_eq!(instance.send(create(" Globex ")).await.is(201), made);
        instance
            .send(create("Initech"))
            .await
            .refused(IdempotencyMismatch);

        let path = format!("/v1/accounts/{}", text(&made, "id"));
        assert_eq!(answer.header("location"), path);
        let tag = answer.header("etag");
        let change = json!({"name": "Globex Corp", "status": "suspended"});
        let edit = || patch(&path, &change).by(&operator).header("if-match", tag);
        let changed = instance.send(edit()).await.is(200);
        assert_eq!(
            (&changed["name"], &changed["status"]),
            (&change["name"], &change["status"])
        );
        assert!(changed["suspended_at"].is_i64());
        instance.send(edit()).await.refused(PreconditionFailed);
        assert_eq!(
            instance.send(get(&path).by(&operator)).await.is(200),
            changed
        );
        let event = instance.newest_event("account.suspended").await;
        assert_eq!(
            (&event["target"], &event["actor"]),
            (
                &made["id"],
                &instance.newest_event("account.created").await["actor"]
            )
        );

        let page = instance
            .send(get("/v1/accounts?limit=1").by(&operator))
            .await
            .is(200);
        assert_eq!(
            (&page["has_more"], &page["data"][0]["name"]),
            (&json!(true), &json!("Acme"))
        );
        let next = format!("/v1/accounts?cursor={}", text(&page, "next_cursor"));
        assert_eq!(
            instance.send(get(&next).by(&operator)).await.is(200)["data"],
            json!([changed])
        );
    })
    .await;
}

#[tokio::test]
async fn accounts_are_for_operators() {
    for_each_app(async |instance| {
        let own = format!("/v1/accounts/{}", instance.account_id());
        for who in ["owner", "viewer"] {
            let token = instance.session(who).await;
            for call in [
                get("/v1/accounts"),
                post("/v1/accounts", &json!({"name": "Mine"})),
                get(&own),
                patch(&own, &json!({"name": "Mine", "status": "suspended"})),
            ] {
                instance
                    .send(call.by(&token))
                    .await
                    .refused(PermissionRequired);
            }
        }
        let operator = instance.session("operator").await;
        let unknown = "/v1/accounts/acct_00000000000000000000000000";
        for call in [
            get(unknown),
            patch(unknown, &json!({"name": "X"})),
            get("/v1/accounts/x"),
        ] {
            instance.send(call.by(&operator)).await.refused(NotFound);
        }
        for (body, member) in [
            (json!({}), "name"),
            (json!({"name": ""}), "name"),
            (json!({"name": "x".repeat(201)}), "name"),
            (json!({"name": "A", "owner": "x"}), "owner"),
        ] {
            instance
                .send(post("/v1/accounts", &body).by(&operator))
                .await
                .refused_members(&[member]);
        }
        for (body, member) in [
            (json!({"status": "closed"}), "status"),
            (json!({"status": true}), "status"),
            (json!({"id": "acct_1"}), "id"),
        ] {
            instance
                .send(patch(&own, &body).by(&operator))
                .await
                .refused_members(&[member]);
        }
        let paged = get("/v1/accounts?cursor=x").by(&operator);
        instance.send(paged).await.refused_members(&["cursor"]);
    })
    .await;
}

#[tokio::test]
async fn an_account_that_there_is_not_is_told_as_such_wherever_one_is_named() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        let nobody = AccountId(9);
        let client = json!({"name": "X", "scopes": ["read:leads"], "account_id": nobody});
        let member = json!({"email": "b@acme.test", "role": "viewer", "account_id": nobody});
        for call in [
            post("/v1/clients", &client),
            post("/v1/members", &member),
            get(&format!("/v1/clients?account_id={nobody}")),
            get(&format!("/v1/members?account_id={nobody}")),
            get(&format!("/v1/invitations?account_id={nobody}")),
        ] {
            let refused = instance.send(call.by(&operator)).await;
            refused.refused_members(&["account_id"]);
        }
    })
    .await;
}
