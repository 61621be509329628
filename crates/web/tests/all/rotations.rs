//! Rotating the secrets of a client: both work, and the old one ends as it was planned.

use claviger_model::Reason::{Conflict, NotFound, PermissionRequired};
use claviger_service::clients::rotations;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::instance::{Instance, for_each_app, text};
use super::oauth::{TestClient, client};
use super::requests::{Answer, delete, get, patch, post};

async fn rotate(instance: &Instance, client: &TestClient, body: Value) -> Answer {
    let admin = instance.session("admin").await;
    let path = format!("/v1/clients/{}/rotations", client.id);
    instance.send(post(&path, &body).by(&admin)).await
}

/// The client with the secret that a rotation gave it.
fn renewed(client: &TestClient, answer: &Answer) -> TestClient {
    let made = answer.is(201);
    TestClient {
        id: client.id.clone(),
        secret: text(&made, "client_secret").to_owned(),
        secret_id: text(&made, "id").to_owned(),
    }
}

async fn shown(instance: &Instance, client: &TestClient) -> Value {
    let admin = instance.session("admin").await;
    let path = format!("/v1/clients/{}", client.id);
    instance.send(get(&path).by(&admin)).await.is(200)
}

async fn works(instance: &Instance, client: &TestClient) -> bool {
    instance.send(client.form(&[])).await.status == 200
}

async fn watch(instance: &Instance) {
    rotations::watch(instance.app()).await.expect("looks");
}

#[tokio::test]
async fn the_old_secret_ends_so_long_after_the_first_use_of_the_new_one() {
    for_each_app(async |instance| {
        let old = client(instance, json!({})).await;
        let body = json!({"description": "May", "old_ends": "after_first_use",
            "grace_seconds": 3600});
        let answer = rotate(instance, &old, body).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        let new = renewed(&old, &answer);
        assert_eq!(answer.json()["description"], "May");
        watch(instance).await;
        let before = shown(instance, &old).await;
        assert_eq!(before["rotation"]["secret_id"], new.secret_id.as_str());
        assert_eq!(before["secrets"][0]["status"], "retiring");
        assert_eq!(before["secrets"][0]["verdict"]["verdict"], "not_replaced");
        assert_eq!(before["secrets"][0]["expires_at"], Value::Null);
        // Half a day in which nobody puts the new one in place ends nothing.
        instance.pass(12 * 3_600_000).await;
        watch(instance).await;
        assert!(works(instance, &old).await && works(instance, &new).await);
        let used_at = instance.now();
        // Several nodes may notice it at the same moment.
        join_all((0..8).map(|_| watch(instance))).await;
        let noticed = shown(instance, &old).await;
        let end = noticed["secrets"][0]["expires_at"]
            .as_i64()
            .expect("an end");
        assert!(
            (used_at - 60_000..=used_at).contains(&(end - 3_600_000)),
            "{noticed}"
        );
        let admin = instance.session("admin").await;
        let events = "/v1/audit?action=client.rotation_first_use";
        let events = instance.send(get(events).by(&admin)).await.is(200);
        assert_eq!(events["data"].as_array().map(Vec::len), Some(1), "{events}");
        assert_eq!(events["data"][0]["actor"], "system");

        instance.pass(60_000).await;
        assert!(works(instance, &old).await);
        let verdict = shown(instance, &old).await["secrets"][0]["verdict"].clone();
        assert_eq!(verdict["verdict"], "still_used");
        assert_eq!(verdict["times"], 1);
        instance.pass(3_600_000).await;
        assert!(!works(instance, &old).await && works(instance, &new).await);
        let over = shown(instance, &old).await;
        assert_eq!(
            (&over["rotation"], &over["secrets"][0]["status"]),
            (&Value::Null, &json!("expired"))
        );
    })
    .await;
}

#[tokio::test]
async fn now_takes_the_old_ones_and_their_tokens_at_once() {
    for_each_app(async |instance| {
        let old = client(instance, json!({})).await;
        let token = old.token(instance).await;
        let waiting = rotate(instance, &old, json!({"old_ends": "after_first_use"})).await;
        let second = renewed(&old, &waiting);
        // One that is under way stands in the way of another, but not of an end now.
        rotate(instance, &old, json!({"old_ends": "after_first_use"}))
            .await
            .refused(Conflict);
        let third = renewed(
            &old,
            &rotate(instance, &old, json!({"old_ends": "now"})).await,
        );
        assert!(!works(instance, &old).await && !works(instance, &second).await);
        assert!(works(instance, &third).await);
        instance.check(&token, json!({}), "revoked").await;
        assert_eq!(shown(instance, &old).await["rotation"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn the_end_can_be_moved_and_the_rotation_cancelled() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let old = client(instance, json!({})).await;
        let current = format!("/v1/clients/{}/rotations/current", old.id);
        let change = async |body: Value| instance.send(patch(&current, &body).by(&admin)).await;
        change(json!({"old_ends": "now"})).await.refused(NotFound);
        let soon = instance.now() + 60_000;
        let answer = rotate(instance, &old, json!({"old_ends": "at", "at": soon})).await;
        let new = renewed(&old, &answer);
        assert_eq!(
            shown(instance, &old).await["secrets"][0]["expires_at"],
            soon
        );
        let later = soon + 3_600_000;
        let moved = change(json!({"old_ends": "at", "at": later})).await.is(200);
        assert_eq!(moved["secrets"][0]["expires_at"], later);
        instance.pass(120_000).await;
        assert!(works(instance, &old).await);

        instance.send(delete(&current).by(&admin)).await.is(200);
        instance
            .send(delete(&current).by(&admin))
            .await
            .refused(NotFound);
        assert!(works(instance, &old).await && !works(instance, &new).await);
        let restored = shown(instance, &old).await;
        assert_eq!(restored["secrets"][0]["expires_at"], Value::Null);
        assert_eq!(restored["secrets"][1]["status"], "revoked");

        let at = json!({"old_ends": "at", "at": instance.now() + 60_000});
        let new = renewed(&old, &rotate(instance, &old, at).await);
        change(json!({"old_ends": "now"})).await.is(200);
        assert!(!works(instance, &old).await && works(instance, &new).await);
    })
    .await;
}

#[tokio::test]
async fn only_who_manages_clients_rotates_and_bad_plans_are_named() {
    for_each_app(async |instance| {
        let old = client(instance, json!({})).await;
        for (bad, member) in [
            (json!({}), "old_ends"),
            (json!({"old_ends": "never"}), "old_ends"),
            (json!({"old_ends": "at"}), "at"),
            (
                json!({"old_ends": "now", "grace_seconds": 1}),
                "grace_seconds",
            ),
            (json!({"old_ends": "now", "colour": "red"}), "colour"),
        ] {
            rotate(instance, &old, bad).await.refused_members(&[member]);
        }
        let path = format!("/v1/clients/{}/rotations", old.id);
        let body = json!({"old_ends": "now"});
        let viewer = instance.session("viewer").await;
        let (_, neighbour) = instance.neighbour().await;
        let call = post(&path, &body);
        instance
            .send(call.by(&viewer))
            .await
            .refused(PermissionRequired);
        let call = post(&path, &body);
        instance.send(call.by(&neighbour)).await.refused(NotFound);
        assert!(works(instance, &old).await);

        let admin = instance.session("admin").await;
        let once = || {
            post(&path, &body)
                .header("idempotency-key", "r1")
                .by(&admin)
        };
        let first = instance.send(once()).await.is(201);
        let again = instance.send(once()).await.is(201);
        assert_eq!(first["client_secret"], again["client_secret"]);
        assert_eq!(
            shown(instance, &old).await["secrets"]
                .as_array()
                .map(Vec::len),
            Some(2)
        );
    })
    .await;
}
