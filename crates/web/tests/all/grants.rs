//! `/v1/grants`: connected apps, and their end.

use claviger_model::Reason::{NotFound, PermissionRequired, SessionRequired};
use claviger_model::ids::GrantId;
use claviger_service::testing::ConnectedApp;
use serde_json::json;

use super::instance::{API, Instance, for_each_app, for_each_app_with, text, with_management};
use super::keys::management_token;
use super::requests::{delete, get};

const ELSEWHERE: &str = "/v1/grants/grt_00000000000000000000000000";

/// An app of Acme.
async fn app(instance: &Instance) -> ConnectedApp {
    let test = instance.test();
    ConnectedApp::make(&test.app, test.account.id).await
}

fn path(id: GrantId) -> String {
    format!("/v1/grants/{id}")
}

#[tokio::test]
async fn a_user_sees_connected_apps_in_words_and_disconnects_one() {
    for_each_app(async |instance| {
        let (app, test) = (app(instance).await, instance.test());
        let scopes = ["read:leads", "admin", "no:such"];
        let grant = app.consented(&test.app, &test.owner, &scopes).await;
        let token = app.token(&test.app, &grant, API);
        instance.check(&token, json!({}), "allowed").await;
        let owner = instance.session("owner").await;
        let listed = instance.send(get("/v1/grants").by(&owner)).await.is(200);
        let expected = json!({
            "id": grant.id, "client_id": app.client.id, "client_name": "Campaign Planner",
            "account_id": test.account.id, "account_name": "Acme", "user_id": grant.user_id,
            "scopes": [
                {"name": "read:leads", "description": "May read leads.", "sensitive": false},
                {"name": "admin", "description": "Everything.", "sensitive": true},
                {"name": "no:such", "description": "", "sensitive": false},
            ],
            "created_at": grant.created_at, "consented_at": grant.consented_at,
        });
        let page = json!({"data": [expected], "has_more": false, "next_cursor": null});
        assert_eq!(listed, page);
        let shown = instance.send(get(&path(grant.id)).by(&owner)).await.is(200);
        assert_eq!(shown["user_email"], "owner@acme.test");
        for _ in 0..2 {
            let ended = instance.send(delete(&path(grant.id)).by(&owner)).await;
            assert_eq!(ended.is(200), json!({"ok": true}));
            instance.check(&token, json!({}), "revoked").await;
        }
        instance
            .send(get(&path(grant.id)).by(&owner))
            .await
            .refused(NotFound);
        let listed = instance.send(get("/v1/grants").by(&owner)).await.is(200);
        assert_eq!(listed["data"], json!([]));
        let event = instance.newest_event("grant.ended").await;
        assert_eq!(event["target"], json!(grant.id));
        assert_eq!(event["after"]["ended_by"], "disconnected");
        // Consent connects it again, as another grant.
        let again = app.consented(&test.app, &test.owner, &["read:leads"]).await;
        assert_ne!(again.id, grant.id);
        instance.check(&token, json!({}), "revoked").await;
        let fresh = app.token(&test.app, &again, API);
        instance.check(&fresh, json!({}), "allowed").await;
    })
    .await;
}

#[tokio::test]
async fn everybody_sees_and_ends_what_is_theirs() {
    for_each_app(async |instance| {
        let (app, test) = (app(instance).await, instance.test());
        let viewer_caller = test.member("viewer@acme.test", "viewer").await;
        let viewer = instance.sign_in("viewer@acme.test").await;
        let (_, neighbour) = instance.neighbour().await;
        let admin = instance.session("admin").await;
        let operator = instance.session("operator").await;
        let grant = |who| app.consented(&test.app, who, &["read:leads"]);
        let (own, other) = (grant(&viewer_caller).await, grant(&test.owner).await);
        let ids = async |query: &str, who: &str| {
            let path = format!("/v1/grants{query}");
            let listed = instance.send(get(&path).by(who)).await.is(200);
            let data = listed["data"].as_array().expect("a list").clone();
            data.iter()
                .map(|grant| text(grant, "id").to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids("", &viewer).await, [own.id.to_string()]);
        assert_eq!(ids("", &neighbour).await, [""; 0]);
        assert_eq!(ids("?all=true", &neighbour).await, [""; 0]);
        let all = [own.id.to_string(), other.id.to_string()];
        assert_eq!(ids("?all=true", &admin).await, all);
        let of_user = format!("?all=true&user_id={}", own.user_id);
        assert_eq!(ids(&of_user, &admin).await, all[..1]);
        let of_app = format!("?all=true&client_id={}", app.client.id);
        assert_eq!(ids(&of_app, &admin).await, all);
        let of_none = "?client_id=cli_00000000000000000000000000";
        assert_eq!(ids(of_none, &viewer).await, [""; 0]);
        assert_eq!(
            ids(&format!("?all=true&limit=1&cursor={}", all[0]), &admin).await,
            all[1..]
        );
        let refused = instance.send(get("/v1/grants?all=true").by(&viewer)).await;
        refused.refused(PermissionRequired);
        for query in [
            "all=perhaps",
            "client_id=x",
            "user_id=x",
            "cursor=x",
            "limit=0",
        ] {
            let call = get(&format!("/v1/grants?{query}")).by(&admin);
            let member = query.split('=').next().expect("a name");
            instance.send(call).await.refused_members(&[member]);
        }
        for who in [&viewer, &neighbour] {
            for call in [
                get(&path(other.id)),
                delete(&path(other.id)),
                delete(ELSEWHERE),
            ] {
                instance.send(call.by(who)).await.refused(NotFound);
            }
        }
        instance
            .send(delete(&path(own.id)).by(&admin))
            .await
            .is(200);
        instance
            .send(delete(&path(other.id)).by(&operator))
            .await
            .is(200);
        assert_eq!(ids("?all=true", &admin).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn one_app_is_disconnected_everywhere() {
    for_each_app(async |instance| {
        let (app, kept, test) = (app(instance).await, app(instance).await, instance.test());
        let owner = instance.session("owner").await;
        let scopes = ["read:leads"];
        let grant = app.consented(&test.app, &test.owner, &scopes).await;
        let others = app.consented(&test.app, &test.admin, &scopes).await;
        let other_app = kept.consented(&test.app, &test.owner, &scopes).await;
        let call = delete(&format!("/v1/grants?client_id={}", app.client.id)).by(&owner);
        instance.send(call).await.is(200);
        for (app, grant, reason) in [
            (&app, &grant, "revoked"),
            (&app, &others, "allowed"),
            (&kept, &other_app, "allowed"),
        ] {
            let token = app.token(&test.app, grant, API);
            instance.check(&token, json!({}), reason).await;
        }
        let unnamed = instance.send(delete("/v1/grants").by(&owner)).await;
        unnamed.refused_members(&["client_id"]);
    })
    .await;
}

#[tokio::test]
async fn automation_sees_and_ends_what_is_in_its_account() {
    for_each_app_with(&with_management(), async |instance| {
        let (app, test) = (app(instance).await, instance.test());
        let grant = app.consented(&test.app, &test.owner, &["read:leads"]).await;
        let reader = management_token(instance, &["clients:read"]).await;
        let robot = management_token(instance, &["clients:write"]).await;
        let listed = instance
            .send(get("/v1/grants?all=true").by(&reader))
            .await
            .is(200);
        assert_eq!(listed["data"][0]["user_email"], "owner@acme.test");
        instance
            .send(get(&path(grant.id)).by(&reader))
            .await
            .is(200);
        instance
            .send(get("/v1/grants").by(&reader))
            .await
            .refused(SessionRequired);
        let refused = instance.send(delete(&path(grant.id)).by(&reader)).await;
        assert_eq!(refused.status, 403, "{refused:?}");
        // No app manages anything for a user.
        let token = app.token(&test.app, &grant, instance.issuer());
        let refused = instance.send(get("/v1/grants").by(&token)).await;
        assert_eq!(refused.status, 401, "{refused:?}");
        instance
            .send(delete(&path(grant.id)).by(&robot))
            .await
            .is(200);
    })
    .await;
}

#[tokio::test]
async fn a_deleted_app_is_not_listed() {
    for_each_app(async |instance| {
        let (app, test) = (app(instance).await, instance.test());
        let grant = app.consented(&test.app, &test.owner, &["read:leads"]).await;
        let admin = instance.session("admin").await;
        let gone = delete(&format!("/v1/clients/{}", app.client.id)).by(&admin);
        instance.send(gone).await.is(200);
        let owner = instance.session("owner").await;
        let listed = instance.send(get("/v1/grants").by(&owner)).await.is(200);
        assert_eq!(listed["data"], json!([]));
        instance
            .send(get(&path(grant.id)).by(&owner))
            .await
            .refused(NotFound);
        let token = app.token(&test.app, &grant, API);
        instance.check(&token, json!({}), "revoked").await;
    })
    .await;
}
