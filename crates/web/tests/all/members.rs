//! `/v1/members`: who belongs to an account.

use claviger_model::Reason::{Conflict, NotFound, PermissionRequired, PreconditionFailed};
use claviger_service::testing::PASSWORD;
use serde_json::json;

use super::instance::{for_each_app, merged, text};
use super::requests::{delete, get, patch, post};

#[tokio::test]
async fn an_operator_adds_members_with_a_password() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        let account_id = instance.account_id();
        let body = json!({
            "email": "Ana@Acme.test", "role": "developer", "password": PASSWORD,
            "account_id": account_id,
        });
        let create = || {
            post("/v1/members", &body)
                .by(&operator)
                .header("idempotency-key", "ana")
        };
        let answer = instance.send(create()).await;
        let made = answer.is(201);
        assert_eq!(made["email"], "ana@acme.test");
        assert_eq!(
            (&made["role"], &made["status"]),
            (&json!("developer"), &json!("active"))
        );
        assert_eq!(made["account_id"], account_id);
        assert!(made["created_at"].is_i64() && text(&made, "user_id").starts_with("usr_"));
        assert_eq!(
            answer.header("location"),
            format!("/v1/members/{}", text(&made, "user_id"))
        );
        assert_eq!(instance.send(create()).await.is(201), made);
        instance.try_sign_in("ana@acme.test").await.is(201);

        instance
            .send(post("/v1/members", &body).by(&operator))
            .await
            .refused(Conflict);
        let nowhere = json!({"email": "b@acme.test", "role": "viewer", "password": PASSWORD});
        let refused = instance
            .send(post("/v1/members", &nowhere).by(&operator))
            .await;
        refused.refused(PermissionRequired);
    })
    .await;
}

#[tokio::test]
async fn others_invite() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let body = json!({"email": "ana@acme.test", "role": "developer"});
        let made = instance
            .send(post("/v1/members", &body).by(&admin))
            .await
            .is(201);
        assert!(text(&made, "id").starts_with("inv_") && text(&made, "token").starts_with("ci_"));
        assert_eq!(
            (&made["email"], &made["role"]),
            (&json!("ana@acme.test"), &json!("developer"))
        );
        assert!(made["expires_at"].as_i64() > Some(instance.now()));

        let with_password = json!({"email": "b@acme.test", "role": "viewer", "password": PASSWORD});
        let refused = instance
            .send(post("/v1/members", &with_password).by(&admin))
            .await;
        refused.refused(PermissionRequired);
        let (neighbour, _) = instance.neighbour().await;
        let elsewhere = json!({"email": "c@acme.test", "role": "viewer", "account_id": neighbour});
        let refused = instance
            .send(post("/v1/members", &elsewhere).by(&admin))
            .await;
        refused.refused(PermissionRequired);
        let twice = json!({"email": "owner@acme.test", "role": "viewer"});
        instance
            .send(post("/v1/members", &twice).by(&admin))
            .await
            .refused(Conflict);
    })
    .await;
}

#[tokio::test]
async fn members_that_are_not_acceptable_are_named() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        for (change, members) in [
            (json!({"email": "nobody"}), &["email"][..]),
            (json!({"role": "king"}), &["role"]),
            (json!({"role": "\u{0}"}), &["role"]),
            (json!({"password": "short"}), &["password"]),
            (json!({"password": "password1234"}), &["password"]),
            (json!({"password": "x".repeat(300)}), &["password"]),
            (
                json!({"email": "x", "password": "short"}),
                &["email", "password"],
            ),
            (json!({"account_id": "acct_1"}), &["account_id"]),
            (json!({"user_id": "usr_1"}), &["user_id"]),
        ] {
            let valid = json!({
                "email": "ana@acme.test", "role": "viewer", "password": PASSWORD,
                "account_id": instance.account_id(),
            });
            let body = merged(&valid, &change);
            let answer = instance
                .send(post("/v1/members", &body).by(&operator))
                .await;
            answer.refused_members(members);
        }
        let empty = post("/v1/members", &json!({})).by(&operator);
        instance.send(empty).await.refused_members(&["email"]);
    })
    .await;
}

#[tokio::test]
async fn nobody_gives_or_takes_more_than_they_have() {
    for_each_app(async |instance| {
        let (admin, owner) = (
            instance.session("admin").await,
            instance.session("owner").await,
        );
        let found = instance.send(get("/v1/members").by(&admin)).await.is(200);
        let members = found["data"].as_array().expect("an array");
        let of = |role: &str| {
            let member = members.iter().find(|member| member["role"] == role);
            format!("/v1/members/{}", text(member.expect("a member"), "user_id"))
        };
        let promote = json!({"role": "owner"});
        for call in [
            patch(&of("admin"), &promote),
            patch(&of("owner"), &json!({"role": "viewer"})),
            delete(&of("owner")),
            post(
                "/v1/members",
                &json!({"email": "x@acme.test", "role": "owner"}),
            ),
        ] {
            instance
                .send(call.by(&admin))
                .await
                .refused(PermissionRequired);
        }
        for call in [
            patch(&of("owner"), &json!({"role": "admin"})),
            delete(&of("owner")),
        ] {
            instance.send(call.by(&owner)).await.refused(Conflict);
        }
        let developer = instance.session("developer").await;
        for call in [get("/v1/members"), delete(&of("admin"))] {
            instance
                .send(call.by(&developer))
                .await
                .refused(PermissionRequired);
        }
        instance
            .send(patch(&of("admin"), &promote).by(&owner))
            .await
            .is(200);
        instance.send(delete(&of("owner")).by(&admin)).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn a_role_is_in_force_with_the_next_request() {
    for_each_app(async |instance| {
        let owner = instance.session("owner").await;
        let id = instance
            .add_member("ana@acme.test", "developer", &instance.account_id())
            .await;
        let token = instance.sign_in("ana@acme.test").await;
        let write = json!({"method": "POST", "path": "/v1/leads"});
        instance.check(&token, write.clone(), "allowed").await;
        instance
            .send(get("/api/keys").by(&token))
            .await
            .refused(PermissionRequired);

        let path = format!("/v1/members/{id}");
        let tag = instance
            .send(get(&path).by(&owner))
            .await
            .header("etag")
            .to_owned();
        let change = |role: &str| {
            patch(&path, &json!({"role": role}))
                .by(&owner)
                .header("if-match", &tag)
        };
        let changed = instance.send(change("viewer")).await.is(200);
        assert_eq!(changed["role"], "viewer");
        instance
            .check(&token, write.clone(), "insufficient_scope")
            .await;
        instance
            .send(change("admin"))
            .await
            .refused(PreconditionFailed);
        let promoted = patch(&path, &json!({"role": "admin"})).by(&owner);
        instance.send(promoted).await.is(200);
        instance.check(&token, write.clone(), "allowed").await;
        instance.send(get("/api/keys").by(&token)).await.is(200);
        instance
            .send(patch(&path, &json!({"role": "king"})).by(&owner))
            .await
            .refused_members(&["role"]);
    })
    .await;
}

#[tokio::test]
async fn a_team_is_seen_from_inside_and_by_operators() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        let (_, neighbour) = instance.neighbour().await;
        let account_id = instance.account_id();
        let id = instance
            .add_member("ana@acme.test", "viewer", &account_id)
            .await;
        let path = format!("/v1/members/{id}");
        for call in [
            get(&path),
            patch(&path, &json!({"role": "admin"})),
            delete(&path),
        ] {
            instance.send(call.by(&neighbour)).await.refused(NotFound);
        }
        let inside = |path: &str| format!("{path}?account_id={account_id}");
        let refused = instance
            .send(get(&inside("/v1/members")).by(&neighbour))
            .await;
        refused.refused(PermissionRequired);
        let page = instance
            .send(get(&(inside("/v1/members") + "&limit=2")).by(&operator))
            .await;
        let page = page.is(200);
        assert_eq!(
            (&page["has_more"], page["data"].as_array().map(Vec::len)),
            (&json!(true), Some(2))
        );
        let next = inside("/v1/members") + "&cursor=" + text(&page, "next_cursor");
        let rest = instance.send(get(&next).by(&operator)).await.is(200);
        assert_eq!(
            (&rest["has_more"], rest["data"].as_array().map(Vec::len)),
            (&json!(false), Some(1))
        );
        assert_eq!(
            instance
                .send(delete(&inside(&path)).by(&operator))
                .await
                .is(200),
            json!({"ok": true})
        );
        instance
            .send(delete(&inside(&path)).by(&operator))
            .await
            .refused(NotFound);
    })
    .await;
}
