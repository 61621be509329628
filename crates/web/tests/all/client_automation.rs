//! `/v1/clients` for automation: a client with an access token for the issuer.

use claviger_model::Reason::{InsufficientScope, PermissionRequired, Revoked};
use claviger_service::settings::Settings;
use serde_json::{Value, json};

use super::instance::{Instance, for_each_app_with, merged, text, with_management};
use super::keys::management_token;
use super::requests::{delete, get, patch, post};

/// A client that an admin of Acme makes.
async fn client(instance: &Instance, more: Value) -> Value {
    let admin = instance.session("admin").await;
    let body = merged(&json!({"name": "Import", "scopes": ["read:leads"]}), &more);
    let call = post("/v1/clients", &body).by(&admin);
    instance.send(call).await.is(201)
}

fn secrets_of(client: &Value) -> String {
    format!("/v1/clients/{}/secrets", text(client, "id"))
}

#[tokio::test]
async fn automation_manages_clients_within_what_it_holds() {
    for_each_app_with(&with_management(), async |instance| {
        let robot = management_token(instance, &["clients:write", "read:leads"]).await;
        let create = |scopes: Value| {
            let body = json!({"name": "Made by a robot", "scopes": scopes});
            instance.send(post("/v1/clients", &body).by(&robot))
        };
        let made = create(json!(["read:leads"])).await.is(201);
        for beyond in [
            json!(["write:leads"]),
            json!(["keys:write"]),
            json!(["clients:read"]),
            json!("all"),
        ] {
            create(beyond).await.refused(InsufficientScope);
        }
        let path = format!("/v1/clients/{}", text(&made, "id"));
        let widen = patch(&path, &json!({"scopes": "all"})).by(&robot);
        instance.send(widen).await.refused(InsufficientScope);
        let rename = patch(&path, &json!({"name": "Renamed"})).by(&robot);
        instance.send(rename).await.is(200);
        instance.send(get(&path).by(&robot)).await.is(200);
        instance.send(delete(&path).by(&robot)).await.is(200);
        let event = instance.newest_event("client.deleted").await;
        assert!(text(&event, "actor").starts_with("cli_"), "{event}");
    })
    .await;
}

#[tokio::test]
async fn automation_adds_no_secret_to_a_client_that_may_do_more() {
    for_each_app_with(&with_management(), async |instance| {
        let robot = management_token(instance, &["clients:write", "read:leads"]).await;
        let add = |client: &Value| {
            let call = post(&secrets_of(client), &json!({})).by(&robot);
            instance.send(call.header("idempotency-key", "k"))
        };
        let alike = client(instance, json!({})).await;
        let added = add(&alike).await.is(201);
        let wider = client(instance, json!({"scopes": ["read:leads", "write:leads"]})).await;
        let error = add(&wider).await.refused(InsufficientScope);
        assert_eq!(error["required_scopes"], json!(["write:leads"]));
        let all = client(instance, json!({"scopes": "all"})).await;
        add(&all).await.refused(InsufficientScope);
        // Nor does it see again what it could have made before.
        let admin = instance.session("admin").await;
        let path = format!("/v1/clients/{}", text(&alike, "id"));
        let to_all = patch(&path, &json!({"scopes": "all"})).by(&admin);
        instance.send(to_all).await.is(200);
        let again = add(&alike).await;
        again.refused(InsufficientScope);
        assert!(!again.text.contains(text(&added, "client_secret")));
        // To take power away needs less than to give it.
        let first = text(&wider["secrets"][0], "id");
        let revoke = delete(&format!("{}/{first}", secrets_of(&wider))).by(&robot);
        instance.send(revoke).await.is(200);
        let secret = text(&wider, "client_secret");
        instance.check(secret, json!({}), "revoked").await;
    })
    .await;
}

#[tokio::test]
async fn a_reader_changes_nothing_and_a_deleted_client_reads_nothing() {
    for_each_app_with(&with_management(), async |instance| {
        let made = client(instance, json!({})).await;
        let path = format!("/v1/clients/{}", text(&made, "id"));
        let reader = management_token(instance, &["clients:read", "read:leads"]).await;
        for call in [get("/v1/clients"), get(&path), get(&secrets_of(&made))] {
            instance.send(call.by(&reader)).await.is(200);
        }
        for call in [
            post(
                "/v1/clients",
                &json!({"name": "X", "scopes": ["read:leads"]}),
            ),
            patch(&path, &json!({"name": "X"})),
            post(&secrets_of(&made), &json!({})),
            delete(&path),
        ] {
            let error = instance.send(call.by(&reader)).await;
            let error = error.refused(InsufficientScope);
            assert_eq!(error["required_scopes"], json!(["clients:write"]));
        }
        let elsewhere = format!("/v1/clients?account_id={}", instance.account_id());
        let call = get(&elsewhere).by(&reader);
        instance.send(call).await.refused(PermissionRequired);

        let admin = instance.session("admin").await;
        let listed = instance.send(get("/v1/clients").by(&admin)).await.is(200);
        let robot = listed["data"].as_array().into_iter().flatten();
        let robot = robot.into_iter().find(|one| one["name"] == "Robot");
        let robot = format!("/v1/clients/{}", text(robot.expect("the robot"), "id"));
        instance.send(delete(&robot).by(&admin)).await.is(200);
        let call = get("/v1/clients").by(&reader);
        instance.send(call).await.refused(Revoked);
    })
    .await;
}

#[tokio::test]
async fn a_test_client_manages_nothing() {
    for_each_app_with(&with_management(), async |instance| {
        let admin = instance.session("admin").await;
        let body = json!({"name": "Robot", "scopes": ["keys:write"], "environment": "test"});
        let refused = instance.send(post("/v1/clients", &body).by(&admin)).await;
        refused.refused_members(&["scopes[0]"]);
        let all = json!({"scopes": "all", "environment": "test"});
        let robot = client(instance, all).await;
        let body = json!({
            "grant_type": "client_credentials",
            "client_id": robot["client_id"],
            "client_secret": robot["client_secret"],
            "audience": instance.issuer(),
        });
        let refused = instance.send(post("/oauth/token", &body)).await.is(400);
        assert_eq!(refused["error"], "invalid_target");
    })
    .await;
}

#[tokio::test]
async fn management_scopes_need_the_operator_and_name_what_to_switch_on() {
    for_each_app_with(&Settings::default(), async |instance| {
        let admin = instance.session("admin").await;
        let body = json!({"name": "Robot", "scopes": ["clients:write"]});
        let refused = instance.send(post("/v1/clients", &body).by(&admin)).await;
        refused.refused_members(&["scopes[0]"]);
        assert!(
            refused.text.contains("management.enabled"),
            "{}",
            refused.text
        );
    })
    .await;
}
