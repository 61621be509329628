//! `/v1/roles`: the built-in roles and those that an account makes.

use claviger_model::Reason::{Conflict, NotFound, PermissionRequired, PreconditionFailed};
use serde_json::json;

use super::instance::{for_each_app, text};
use super::requests::{delete, get, patch, post};

#[tokio::test]
async fn a_role_is_made_and_changed() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let body = json!({"name": "Support", "permissions": ["evidence"], "scopes": ["read:*"]});
        let create = || {
            post("/v1/roles", &body)
                .by(&admin)
                .header("idempotency-key", "support")
        };
        let answer = instance.send(create()).await;
        let made = answer.is(201);
        assert_eq!(
            (&made["name"], &made["built_in"]),
            (&json!("Support"), &json!(false))
        );
        assert_eq!(
            (&made["permissions"], &made["scopes"]),
            (&body["permissions"], &body["scopes"])
        );
        assert_eq!(instance.send(create()).await.is(201), made);
        instance
            .send(post("/v1/roles", &body).by(&admin))
            .await
            .refused(Conflict);
        let path = format!("/v1/roles/{}", text(&made, "id"));
        assert_eq!(answer.header("location"), path);
        assert_eq!(
            instance
                .send(get("/v1/roles/Support").by(&admin))
                .await
                .is(200),
            made
        );

        let change = json!({"permissions": ["settings"]});
        let stale = patch(&path, &change).by(&admin).header("if-match", "\"7\"");
        instance.send(stale).await.refused(PreconditionFailed);
        let changed = instance
            .send(patch(&path, &change).by(&admin))
            .await
            .is(200);
        assert_eq!(
            (&changed["permissions"], &changed["scopes"]),
            (&json!(["settings"]), &body["scopes"])
        );
    })
    .await;
}

#[tokio::test]
async fn a_role_in_use_changes_with_the_next_request_and_stays() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let body = json!({"name": "Support", "permissions": ["settings"]});
        let made = instance
            .send(post("/v1/roles", &body).by(&admin))
            .await
            .is(201);
        let path = format!("/v1/roles/{}", text(&made, "id"));
        instance
            .add_member("ana@acme.test", "Support", &instance.account_id())
            .await;
        instance
            .send(delete(&path).by(&admin))
            .await
            .refused(Conflict);
        let ana = instance.sign_in("ana@acme.test").await;
        instance.send(get("/api/keys").by(&ana)).await.is(200);
        let less = patch(&path, &json!({"permissions": []})).by(&admin);
        instance.send(less).await.is(200);
        instance
            .send(get("/api/keys").by(&ana))
            .await
            .refused(PermissionRequired);

        let unused = json!({"name": "Unused", "permissions": []});
        let unused = instance
            .send(post("/v1/roles", &unused).by(&admin))
            .await
            .is(201);
        let path = format!("/v1/roles/{}", text(&unused, "id"));
        assert_eq!(
            instance.send(delete(&path).by(&admin)).await.is(200),
            json!({"ok": true})
        );
        instance.send(get(&path).by(&admin)).await.refused(NotFound);
    })
    .await;
}

#[tokio::test]
async fn nobody_makes_a_role_above_their_own() {
    for_each_app(async |instance| {
        let (admin, owner) = (
            instance.session("admin").await,
            instance.session("owner").await,
        );
        let all = json!({"name": "All", "permissions": ["settings", "account"]});
        instance
            .send(post("/v1/roles", &all).by(&admin))
            .await
            .refused(PermissionRequired);
        let made = instance
            .send(post("/v1/roles", &all).by(&owner))
            .await
            .is(201);
        let path = format!("/v1/roles/{}", text(&made, "id"));
        for call in [patch(&path, &json!({"name": "Some"})), delete(&path)] {
            instance
                .send(call.by(&admin))
                .await
                .refused(PermissionRequired);
        }
        let developer = instance.session("developer").await;
        instance
            .send(get("/v1/roles").by(&developer))
            .await
            .refused(PermissionRequired);
    })
    .await;
}

#[tokio::test]
async fn roles_that_are_not_acceptable_are_refused() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        for (body, members) in [
            (json!({"permissions": ["settings"]}), &["name"][..]),
            (json!({"name": "owner", "permissions": []}), &["name"]),
            (
                json!({"name": "A", "permissions": ["everything"]}),
                &["permissions[0]"],
            ),
            (
                json!({"name": "A", "permissions": "settings"}),
                &["permissions"],
            ),
            (json!({"name": "A", "scopes": ["a b"]}), &["scopes[0]"]),
            (json!({"name": "A", "colour": 1}), &["colour"]),
        ] {
            instance
                .send(post("/v1/roles", &body).by(&admin))
                .await
                .refused_members(members);
        }
        let change = json!({"name": "Chief"});
        instance
            .send(patch("/v1/roles/owner", &change).by(&admin))
            .await
            .refused(Conflict);
        instance
            .send(delete("/v1/roles/viewer").by(&admin))
            .await
            .refused(Conflict);
        instance
            .send(delete("/v1/roles/nonsense").by(&admin))
            .await
            .refused(NotFound);
        let found = instance.send(get("/v1/roles").by(&admin)).await.is(200);
        let ids: Vec<&str> = found["data"]
            .as_array()
            .expect("an array")
            .iter()
            .map(|role| text(role, "id"))
            .collect();
        assert_eq!(ids, ["owner", "admin", "developer", "viewer"]);
    })
    .await;
}

#[tokio::test]
async fn another_accounts_role_is_unknown() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let (_, neighbour) = instance.neighbour().await;
        let body = json!({"name": "Support", "permissions": ["evidence"]});
        let made = instance
            .send(post("/v1/roles", &body).by(&admin))
            .await
            .is(201);
        let path = format!("/v1/roles/{}", text(&made, "id"));
        for call in [
            get(&path),
            patch(&path, &json!({"name": "X"})),
            delete(&path),
        ] {
            instance.send(call.by(&neighbour)).await.refused(NotFound);
        }
        let theirs = json!({"email": "x@neighbour.test", "role": text(&made, "id")});
        let refused = instance
            .send(post("/v1/members", &theirs).by(&neighbour))
            .await;
        refused.refused_members(&["role"]);
        let operator = instance.session("operator").await;
        let inside = format!("{path}?account_id={}", instance.account_id());
        assert_eq!(
            instance.send(get(&inside).by(&operator)).await.is(200),
            made
        );
    })
    .await;
}
