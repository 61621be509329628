//! `/v1/keys`: the API keys of an account, for automation.

use claviger_model::Reason::{
    AccountInactive, CredentialMissing, Expired, InsufficientScope, InvalidCredential, NotFound,
    PermissionRequired, SessionRequired,
};
use serde_json::{Value, json};

use super::instance::{Instance, for_each_app, for_each_app_with, text, with_management};
use super::requests::{delete, get, patch, post};

/// An access token for the issuer, of a client that holds `scopes`.
pub(crate) async fn management_token(instance: &Instance, scopes: &[&str]) -> String {
    let admin = instance.session("admin").await;
    let body = json!({"name": "Robot", "kind": "machine", "scopes": scopes});
    let made = instance
        .send(post("/v1/clients", &body).by(&admin))
        .await
        .is(201);
    let body = json!({
        "grant_type": "client_credentials",
        "client_id": made["client_id"],
        "client_secret": made["client_secret"],
        "audience": instance.issuer(),
    });
    let answer = instance.send(post("/oauth/token", &body)).await.is(200);
    text(&answer, "access_token").to_owned()
}

fn key(scopes: &[&str]) -> Value {
    json!({"name": "Made by a robot", "scopes": scopes})
}

#[tokio::test]
async fn automation_manages_keys_within_what_it_holds() {
    for_each_app_with(&with_management(), async |instance| {
        let robot = management_token(instance, &["keys:write", "read:leads"]).await;
        let create = |scopes: &[&str]| {
            post("/v1/keys", &key(scopes))
                .by(&robot)
                .header("idempotency-key", "k")
        };
        for beyond in [
            &["write:leads"][..],
            &["read:leads", "write:leads"],
            &["admin"],
        ] {
            let error = instance
                .send(create(beyond))
                .await
                .refused(InsufficientScope);
            assert_eq!(error["required_scopes"], json!([beyond[beyond.len() - 1]]));
        }
        let made = instance.send(create(&["read:leads"])).await.is(201);
        assert_eq!(instance.send(create(&["read:leads"])).await.is(201), made);
        let secret = text(&made, "key");
        instance.check(secret, json!({}), "allowed").await;
        let path = format!("/v1/keys/{}", text(&made, "id"));
        let widen = patch(&path, &json!({"scopes": ["read:leads", "write:leads"]})).by(&robot);
        instance.send(widen).await.refused(InsufficientScope);
        instance
            .send(patch(&path, &json!({"name": "Renamed"})).by(&robot))
            .await
            .is(200);
        instance.send(get(&path).by(&robot)).await.is(200);
        let listed = instance.send(get("/v1/keys").by(&robot)).await.is(200);
        assert_eq!(listed.as_array().map(Vec::len), Some(1));
        instance.send(delete(&path).by(&robot)).await.is(200);
        instance.check(secret, json!({}), "revoked").await;
    })
    .await;
}

#[tokio::test]
async fn a_reader_writes_nothing() {
    for_each_app_with(&with_management(), async |instance| {
        let made = instance.key(json!({})).await;
        let path = format!("/v1/keys/{}", text(&made, "id"));
        let reader = management_token(instance, &["keys:read", "read:leads"]).await;
        for call in [get("/v1/keys"), get(&path)] {
            instance.send(call.by(&reader)).await.is(200);
        }
        for call in [
            post("/v1/keys", &key(&["read:leads"])),
            patch(&path, &json!({"name": "X"})),
            delete(&path),
        ] {
            let error = instance
                .send(call.by(&reader))
                .await
                .refused(InsufficientScope);
            assert_eq!(error["required_scopes"], json!(["keys:write"]));
        }
    })
    .await;
}

#[tokio::test]
async fn a_management_token_is_good_for_nothing_else() {
    for_each_app_with(&with_management(), async |instance| {
        let robot = management_token(instance, &["keys:write", "read:leads"]).await;
        for path in [
            "/api/keys",
            "/v1/whoami",
            "/v1/members",
            "/v1/accounts",
            "/v1/audit",
        ] {
            instance
                .send(get(path).by(&robot))
                .await
                .refused(SessionRequired);
        }
        instance
            .send(get("/demo/v1/leads").by(&robot))
            .await
            .refused(InvalidCredential);
        instance
            .send(get("/v1/keys"))
            .await
            .refused(CredentialMissing);
        let made = instance.key(json!({})).await;
        instance
            .send(get("/v1/keys").by(text(&made, "key")))
            .await
            .refused(SessionRequired);

        let (_, neighbour) = instance.neighbour().await;
        let theirs = post("/api/keys", &key(&["read:leads"])).by(&neighbour);
        let theirs = instance.send(theirs).await.is(201);
        let path = format!("/v1/keys/{}", text(&theirs, "id"));
        for call in [
            get(&path),
            patch(&path, &json!({"name": "X"})),
            delete(&path),
        ] {
            instance.send(call.by(&robot)).await.refused(NotFound);
        }

        let operator = instance.session("operator").await;
        let account = format!("/v1/accounts/{}", instance.account_id());
        let set = |status: &str| patch(&account, &json!({"status": status})).by(&operator);
        instance.send(set("suspended")).await.is(200);
        instance
            .send(get("/v1/keys").by(&robot))
            .await
            .refused(AccountInactive);
        instance.send(set("active")).await.is(200);
        instance.pass(24 * 3_600_000).await;
        instance
            .send(get("/v1/keys").by(&robot))
            .await
            .refused(Expired);
    })
    .await;
}

#[tokio::test]
async fn the_route_is_off_unless_the_operator_allows_it() {
    for_each_app(async |instance| {
        let owner = instance.session("owner").await;
        for call in [get("/v1/keys"), post("/v1/keys", &key(&["read:leads"]))] {
            instance
                .send(call.by(&owner))
                .await
                .refused(PermissionRequired);
        }
    })
    .await;
}
