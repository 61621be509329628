//! `/v1/apis`: the resource servers that the operator offers.

use claviger_model::Reason::{
    Conflict, NotFound, PermissionRequired, PreconditionFailed, TooLarge,
};
use serde_json::{Value, json};

use super::instance::{API, Instance, OLD_API, for_each_app, merged, text};
use super::requests::{delete, get, patch, post};

fn billing() -> Value {
    json!({
        "name": "Billing", "audience": "https://billing.acme.test",
        "scopes": [
            {"name": "read:bills", "description": "See bills.", "sensitive": false},
            {"name": "pay", "description": "Pay.", "sensitive": true, "environments": ["live"]},
            {"name": "all", "description": "All.", "sensitive": true, "implies_all": true},
        ],
        "routes": [
            {"method": "GET", "path": "/bills/{id}", "scopes": ["read:bills"]},
            {"method": "*", "path": "/files/*", "scopes": []},
        ],
        "accepts": ["api_key", "session"],
        "token_lifetime_seconds": 600,
        "signing_algorithm": "EdDSA",
        "live_url": "https://billing.acme.test",
        "sandbox_url": "https://billing.acme.test/sandbox",
        "unmatched": "allow",
    })
}

async fn find(instance: &Instance, audience: &str) -> Value {
    let operator = instance.session("operator").await;
    let found = instance.send(get("/v1/apis").by(&operator)).await.is(200);
    let apis = found["data"].as_array().expect("an array");
    apis.iter()
        .find(|api| api["audience"] == audience)
        .expect("an API")
        .clone()
}

#[tokio::test]
async fn an_api_is_made_as_it_is_described() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        let create = || {
            post("/v1/apis", &billing())
                .by(&operator)
                .header("idempotency-key", "b")
        };
        let answer = instance.send(create()).await;
        let made = answer.is(201);
        for member in billing().as_object().expect("an object").keys() {
            if member != "scopes" {
                assert_eq!(made[member], billing()[member], "{member}");
            }
        }
        let scope = json!({
            "name": "pay", "description": "Pay.", "sensitive": true, "implies_all": false,
            "environments": ["live"],
        });
        assert_eq!(made["scopes"][1], scope);
        assert_eq!(
            (&made["default"], made["created_at"].is_i64()),
            (&json!(false), true)
        );
        assert_eq!(find(instance, API).await["default"], true);
        assert_eq!(instance.send(create()).await.is(201), made);
        instance
            .send(post("/v1/apis", &billing()).by(&operator))
            .await
            .refused(Conflict);
        let path = format!("/v1/apis/{}", text(&made, "id"));
        assert_eq!(answer.header("location"), path);
        assert_eq!(instance.send(get(&path).by(&operator)).await.is(200), made);

        let made = instance.key(json!({"scopes": ["read:bills"]})).await;
        let ask =
            |path: &str| json!({"api": "https://billing.acme.test", "method": "GET", "path": path});
        let key = text(&made, "key");
        instance.check(key, ask("/bills/7"), "allowed").await;
        instance.check(key, ask("/other"), "allowed").await;
        instance.check(key, ask("/bills//7"), "route_unknown").await;
    })
    .await;
}

#[tokio::test]
async fn a_change_of_an_api_is_in_force_with_the_next_request() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        let made = instance.key(json!({})).await;
        let key = text(&made, "key");
        let ask = json!({"method": "GET", "path": "/v1/leads"});
        instance.check(key, ask.clone(), "allowed").await;
        let api = find(instance, API).await;
        let path = format!("/v1/apis/{}", text(&api, "id"));
        let routes =
            json!({"routes": [{"method": "GET", "path": "/v1/leads", "scopes": ["admin"]}]});
        let changed = instance.send(patch(&path, &routes).by(&operator)).await;
        assert_eq!(changed.is(200)["scopes"], api["scopes"]);
        instance.check(key, ask.clone(), "insufficient_scope").await;
        let stale = patch(&path, &routes)
            .by(&operator)
            .header("if-match", "\"1\"");
        instance.send(stale).await.refused(PreconditionFailed);
        let kinds = json!({"accepts": ["session"], "live_url": null});
        let changed = instance
            .send(patch(&path, &kinds).by(&operator))
            .await
            .is(200);
        assert!(changed["live_url"].is_null());
        instance.check(key, ask.clone(), "kind_not_accepted").await;

        instance
            .send(delete(&path).by(&operator))
            .await
            .refused(Conflict);
        let old = format!("/v1/apis/{}", text(&find(instance, OLD_API).await, "id"));
        assert_eq!(
            instance.send(delete(&old).by(&operator)).await.is(200),
            json!({"ok": true})
        );
        instance
            .send(get(&old).by(&operator))
            .await
            .refused(NotFound);
        instance
            .check(key, json!({"api": OLD_API}), "unknown_api")
            .await;
    })
    .await;
}

#[tokio::test]
async fn an_openapi_document_gives_the_routes() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        let path = format!("/v1/apis/{}/import", text(&find(instance, API).await, "id"));
        let document = json!({
            "openapi": "3.1.0",
            "info": {"title": "Acme", "version": "1", "description": "x".repeat(100_000)},
            "components": {"securitySchemes": {"oauth": {"type": "oauth2", "flows": {
                "clientCredentials": {"tokenUrl": "/t", "scopes": {"read:bills": "See bills."}}}}}},
            "paths": {"/v1/bills/{id}": {"get": {
                "security": [{"oauth": ["read:bills"]}], "responses": {}}}},
        });
        let answer = instance.send(post(&path, &document).by(&operator)).await;
        let imported = answer.is(200);
        assert_eq!(imported["import"]["routes"], 1, "{imported}");
        assert_eq!(imported["import"]["added_scopes"], json!(["read:bills"]));
        let route = json!({"method": "GET", "path": "/v1/bills/{id}", "scopes": ["read:bills"]});
        assert_eq!(imported["routes"], json!([route]));
        let made = instance.key(json!({"scopes": ["read:bills"]})).await;
        let ask = json!({"method": "GET", "path": "/v1/bills/7"});
        instance.check(text(&made, "key"), ask, "allowed").await;

        let nonsense = instance
            .send(post(&path, &json!({"a": 1})).by(&operator))
            .await;
        nonsense.refused(claviger_model::Reason::Validation);
        let large = json!({"openapi": "3.1.0", "info": {"title": "x".repeat(3 << 20)}});
        instance
            .send(post(&path, &large).by(&operator))
            .await
            .refused(TooLarge);
        let owner = instance.session("owner").await;
        instance
            .send(post(&path, &document).by(&owner))
            .await
            .refused(PermissionRequired);
    })
    .await;
}

#[tokio::test]
async fn apis_are_for_operators_and_checked() {
    for_each_app(async |instance| {
        let (owner, operator) = (
            instance.session("owner").await,
            instance.session("operator").await,
        );
        let path = format!("/v1/apis/{}", text(&find(instance, API).await, "id"));
        for call in [
            get("/v1/apis"),
            post("/v1/apis", &billing()),
            get(&path),
            patch(&path, &json!({"unmatched": "allow"})),
            delete(&path),
        ] {
            instance
                .send(call.by(&owner))
                .await
                .refused(PermissionRequired);
        }
        for (change, member) in [
            (json!({"name": ""}), "name"),
            (json!({"audience": "has space"}), "audience"),
            (json!({"scopes": [{"name": "a b"}]}), "scopes[0].name"),
            (
                json!({"scopes": [{"name": "a"}, {"name": "a"}]}),
                "scopes[1].name",
            ),
            (json!({"scopes": [{"description": "x"}]}), "scopes[0].name"),
            (
                json!({"scopes": [{"name": "a", "colour": 1}]}),
                "scopes[0].colour",
            ),
            (
                json!({"routes": [{"method": "get", "path": "/"}]}),
                "routes[0].method",
            ),
            (
                json!({"routes": [{"method": "GET", "path": "bills"}]}),
                "routes[0].path",
            ),
            (
                json!({"routes": [{"method": "GET", "path": "/a/../b"}]}),
                "routes[0].path",
            ),
            (json!({"accepts": ["password"]}), "accepts[0]"),
            (
                json!({"token_lifetime_seconds": 0}),
                "token_lifetime_seconds",
            ),
            (json!({"signing_algorithm": "none"}), "signing_algorithm"),
            (json!({"live_url": "ftp://x"}), "live_url"),
            (json!({"unmatched": "maybe"}), "unmatched"),
            (json!({"default": true}), "default"),
        ] {
            let body = merged(&billing(), &change);
            instance
                .send(post("/v1/apis", &body).by(&operator))
                .await
                .refused_members(&[member]);
        }
        let empty = post("/v1/apis", &json!({})).by(&operator);
        instance
            .send(empty)
            .await
            .refused_members(&["audience", "name"]);
    })
    .await;
}
