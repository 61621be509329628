//! `/v1/sessions` as its person uses it: looking at sessions, ending them, going on in another
//! account; `/v1/whoami`: what one is called.

use claviger_model::Reason::{NotFound, PermissionRequired, Revoked, SessionRequired};
use serde_json::{Value, json};

use super::instance::{ADDRESS, for_each_app, text};
use super::requests::{delete, get, patch, post};

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    for_each_app(async |instance| {
        let first = instance.sign_in("admin@acme.test").await;
        let second = instance.sign_in("admin@acme.test").await;
        let list = || get("/v1/sessions").by(&first);
        let listed = instance.send(list()).await.is(200);
        let (mine, other) = (&listed["data"][0], &listed["data"][1]);
        assert_eq!(
            (&mine["current"], &other["current"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(
            (&mine["ip"], &mine["account_name"]),
            (&json!(ADDRESS), &json!("Acme"))
        );
        let stranger = instance.session("owner").await;
        let path = format!("/v1/sessions/{}", text(other, "id"));
        instance
            .send(delete(&path).by(&stranger))
            .await
            .refused(NotFound);
        instance.send(delete(&path).by(&first)).await.is(200);
        instance
            .send(get("/v1/whoami").by(&second))
            .await
            .refused(Revoked);

        let third = instance.sign_in("admin@acme.test").await;
        let ended = instance.send(delete("/v1/sessions").by(&first)).await;
        assert!(ended.is(200)["ended"].as_i64() >= Some(1));
        instance
            .send(get("/v1/whoami").by(&third))
            .await
            .refused(Revoked);
        instance.send(list()).await.is(200);
        let key = instance.key(json!({"scopes": ["admin"]})).await;
        let by_key = get("/v1/sessions").by(text(&key, "key"));
        instance.send(by_key).await.refused(SessionRequired);
    })
    .await;
}

#[tokio::test]
async fn a_session_goes_on_in_another_account_with_another_token() {
    for_each_app(async |instance| {
        let (neighbour, _) = instance.neighbour().await;
        let path = "/v1/sessions/current/account";
        let to = |account: Value| post(path, &json!({"account_id": account}));
        let admin = instance.sign_in("admin@acme.test").await;
        for (account, reason) in [
            (json!(neighbour), PermissionRequired),
            (Value::Null, PermissionRequired),
        ] {
            instance.send(to(account).by(&admin)).await.refused(reason);
        }
        instance
            .send(to(json!("x")).by(&admin))
            .await
            .refused_members(&["account_id"]);
        instance.send(get("/v1/whoami").by(&admin)).await.is(200);

        let operator = instance.sign_in("operator@claviger.test").await;
        let entered = instance
            .send(to(json!(neighbour)).by(&operator))
            .await
            .is(201);
        assert_eq!(entered["account_id"], neighbour.as_str());
        instance
            .send(get("/v1/whoami").by(&operator))
            .await
            .refused(Revoked);
        let event = instance.newest_event("operator.entered").await;
        assert_eq!(event["target"], neighbour.as_str());
        let inside = text(&entered, "session_token").to_owned();
        let left = instance.send(to(Value::Null).by(&inside)).await.is(201);
        assert_eq!(left["account_id"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn one_is_called_what_one_wants() {
    for_each_app(async |instance| {
        let (admin, owner) = (
            instance.session("admin").await,
            instance.session("owner").await,
        );
        let named = |name: &str| patch("/v1/whoami", &json!({"name": name})).by(&admin);
        let me = instance.send(named("Ana \u{5d0}\u{5d1}")).await.is(200);
        assert_eq!(me["user"]["name"], "Ana \u{5d0}\u{5d1}");
        assert_eq!(me["accounts"][0]["name"], "Acme");
        let path = format!("/v1/members/{}", text(&me["user"], "id"));
        let seen = instance.send(get(&path).by(&owner)).await.is(200);
        assert_eq!(seen["name"], "Ana \u{5d0}\u{5d1}");
        instance
            .send(named("a\u{7}"))
            .await
            .refused_members(&["name"]);
        let me = instance.send(named("")).await.is(200);
        assert_eq!(me["user"]["name"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn an_owner_renames_the_own_account() {
    for_each_app(async |instance| {
        let (admin, owner) = (
            instance.session("admin").await,
            instance.session("owner").await,
        );
        let (neighbour, _) = instance.neighbour().await;
        let own = format!("/v1/accounts/{}", instance.account_id());
        let name = json!({"name": "Acme Ltd"});
        instance
            .send(patch(&own, &name).by(&admin))
            .await
            .refused(PermissionRequired);
        let renamed = instance.send(patch(&own, &name).by(&owner)).await.is(200);
        assert_eq!(renamed["name"], "Acme Ltd");
        let suspended = json!({"name": "x", "status": "suspended"});
        instance
            .send(patch(&own, &suspended).by(&owner))
            .await
            .refused(PermissionRequired);
        let other = format!("/v1/accounts/{neighbour}");
        instance
            .send(patch(&other, &name).by(&owner))
            .await
            .refused(PermissionRequired);
    })
    .await;
}
