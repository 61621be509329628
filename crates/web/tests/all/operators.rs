//! `/v1/operators`: the users who run the instance.

use claviger_model::Reason::{Conflict, PermissionRequired};
use claviger_service::testing::PASSWORD;
use serde_json::json;

use super::instance::for_each_app;
use super::requests::{get, post};

#[tokio::test]
async fn an_operator_makes_others_operators() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        let add = |body| post("/v1/operators", &body).by(&operator);
        let once = |body| add(body).header("idempotency-key", "fourth");
        let new = json!({"email": "second@claviger.test", "password": PASSWORD});
        let made = instance.send(add(new.clone())).await.is(201);
        assert_eq!(made["email"], "second@claviger.test");
        instance.send(add(new)).await.refused(Conflict);
        let second = instance.sign_in("second@claviger.test").await;
        let fourth = json!({"email": "fourth@claviger.test", "password": PASSWORD});
        let first = instance.send(once(fourth.clone())).await.is(201);
        assert_eq!(instance.send(once(fourth)).await.is(201), first);

        let admin = instance.session("admin").await;
        instance
            .send(get("/v1/accounts").by(&admin))
            .await
            .refused(PermissionRequired);
        instance
            .send(add(json!({"email": "admin@acme.test"})))
            .await
            .is(201);
        instance.send(get("/v1/accounts").by(&admin)).await.is(200);

        let found = instance
            .send(get("/v1/operators").by(&second))
            .await
            .is(200);
        assert_eq!(found["data"].as_array().map(Vec::len), Some(4));
        for (body, member) in [
            (json!({"email": "x"}), "email"),
            (json!({"email": "third@claviger.test"}), "password"),
            (
                json!({"email": "third@claviger.test", "password": "short"}),
                "password",
            ),
        ] {
            instance.send(add(body)).await.refused_members(&[member]);
        }
    })
    .await;
}

#[tokio::test]
async fn operators_are_for_operators() {
    for_each_app(async |instance| {
        let owner = instance.session("owner").await;
        let mine = json!({"email": "owner@acme.test"});
        for call in [get("/v1/operators"), post("/v1/operators", &mine)] {
            instance
                .send(call.by(&owner))
                .await
                .refused(PermissionRequired);
        }
    })
    .await;
}
