//! `/v1/users/{id}`: suspending a person everywhere.

use claviger_model::Reason::{Conflict, InvalidCredential, NotFound, PermissionRequired, Revoked};
use serde_json::json;

use super::instance::{for_each_app, text};
use super::requests::{get, patch};

#[tokio::test]
async fn a_suspended_user_is_out_at_once() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        let id = instance
            .add_member("ana@acme.test", "admin", &instance.account_id())
            .await;
        let ana = instance.sign_in("ana@acme.test").await;
        let path = format!("/v1/users/{id}");
        let set = |status: &str| patch(&path, &json!({"status": status})).by(&operator);
        let changed = instance.send(set("suspended")).await.is(200);
        assert_eq!(
            (&changed["id"], &changed["status"]),
            (&json!(id), &json!("suspended"))
        );
        assert!(changed["suspended_at"].is_i64());
        instance
            .send(get("/api/keys").by(&ana))
            .await
            .refused(Revoked);
        instance
            .try_sign_in("ana@acme.test")
            .await
            .refused(InvalidCredential);
        instance.send(set("suspended")).await.is(200);

        instance.send(set("active")).await.is(200);
        instance
            .send(get("/api/keys").by(&ana))
            .await
            .refused(Revoked);
        instance.try_sign_in("ana@acme.test").await.is(201);
    })
    .await;
}

#[tokio::test]
async fn suspending_is_for_operators_and_others() {
    for_each_app(async |instance| {
        let (owner, operator) = (
            instance.session("owner").await,
            instance.session("operator").await,
        );
        let me = instance.send(get("/v1/whoami").by(&operator)).await.is(200);
        let own = format!("/v1/users/{}", text(&me["user"], "id"));
        let suspended = json!({"status": "suspended"});
        instance
            .send(patch(&own, &suspended).by(&owner))
            .await
            .refused(PermissionRequired);
        instance
            .send(patch(&own, &suspended).by(&operator))
            .await
            .refused(Conflict);
        let unknown = "/v1/users/usr_00000000000000000000000000";
        instance
            .send(patch(unknown, &suspended).by(&operator))
            .await
            .refused(NotFound);
        let odd = patch(&own, &json!({"status": "gone"})).by(&operator);
        instance.send(odd).await.refused_members(&["status"]);
    })
    .await;
}
