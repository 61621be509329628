//! `/v1/invitations`: offers to become a member.

use claviger_model::Reason::{Conflict, InvalidCredential, NotFound, PermissionRequired};
use claviger_service::testing::PASSWORD;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::instance::{Instance, for_each_app, text};
use super::requests::{Answer, delete, get, post};

async fn invite(instance: &Instance, email: &str, role: &str) -> Value {
    let admin = instance.session("admin").await;
    let body = json!({"email": email, "role": role});
    instance
        .send(post("/v1/members", &body).by(&admin))
        .await
        .is(201)
}

async fn accept(instance: &Instance, token: &str, password: &str) -> Answer {
    let body = json!({"token": token, "password": password});
    instance.send(post("/v1/invitations/accept", &body)).await
}

#[tokio::test]
async fn an_invitation_is_accepted_once() {
    for_each_app(async |instance| {
        let made = invite(instance, "ana@acme.test", "developer").await;
        let token = text(&made, "token");
        accept(instance, token, "short")
            .await
            .refused_members(&["password"]);
        let joined = accept(instance, token, PASSWORD).await.is(201);
        assert_eq!(joined["email"], "ana@acme.test");
        assert_eq!(joined["account_id"], instance.account_id());
        let session = instance.sign_in("ana@acme.test").await;
        let me = instance.send(get("/v1/whoami").by(&session)).await.is(200);
        assert_eq!(me["role"], "developer");
        accept(instance, token, PASSWORD).await.refused(NotFound);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_who_accept_at_once_one_does() {
    for_each_app(async |instance| {
        let (_, neighbour) = instance.neighbour().await;
        let body = json!({"email": "admin@acme.test", "role": "viewer"});
        let made = instance
            .send(post("/v1/members", &body).by(&neighbour))
            .await
            .is(201);
        let token = text(&made, "token");
        // Batches that fit in the queue of those who hash passwords.
        for batch in 0..4 {
            let sent = (0..16).map(|_| accept(instance, token, PASSWORD));
            let found = join_all(sent).await;
            let joined = found.iter().filter(|answer| answer.status == 201).count();
            assert_eq!(joined, usize::from(batch == 0), "{found:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_user_accepts_with_the_present_password() {
    for_each_app(async |instance| {
        let (_, neighbour) = instance.neighbour().await;
        let body = json!({"email": "admin@acme.test", "role": "viewer"});
        let made = instance
            .send(post("/v1/members", &body).by(&neighbour))
            .await
            .is(201);
        let token = text(&made, "token");
        accept(instance, token, "another password")
            .await
            .refused(InvalidCredential);
        accept(instance, token, PASSWORD).await.is(201);
        let again = instance
            .send(post("/v1/members", &body).by(&neighbour))
            .await;
        again.refused(Conflict);
    })
    .await;
}

#[tokio::test]
async fn what_was_withdrawn_or_is_over_is_not_accepted() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let made = invite(instance, "ana@acme.test", "viewer").await;
        let (id, token) = (text(&made, "id"), text(&made, "token"));
        let open = instance.send(get("/v1/invitations").by(&admin)).await;
        assert!(!open.text.contains(token), "the token is shown once");
        let open = open.is(200);
        assert_eq!(open["data"][0]["id"], id);

        let (_, neighbour) = instance.neighbour().await;
        let path = format!("/v1/invitations/{id}");
        instance
            .send(delete(&path).by(&neighbour))
            .await
            .refused(NotFound);
        let developer = instance.session("developer").await;
        instance
            .send(delete(&path).by(&developer))
            .await
            .refused(PermissionRequired);
        assert_eq!(
            instance.send(delete(&path).by(&admin)).await.is(200),
            json!({"ok": true})
        );
        accept(instance, token, PASSWORD).await.refused(NotFound);

        let late = invite(instance, "bob@acme.test", "viewer").await;
        instance.pass(7 * 24 * 3_600 * 1_000).await;
        accept(instance, text(&late, "token"), PASSWORD)
            .await
            .refused(NotFound);
        accept(instance, "ci_nonsense", PASSWORD)
            .await
            .refused(NotFound);
        let empty = post("/v1/invitations/accept", &json!({}));
        instance.send(empty).await.refused_members(&["token"]);
    })
    .await;
}

#[tokio::test]
async fn a_replay_shows_the_same_invitation() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let body = json!({"email": "ana@acme.test", "role": "viewer"});
        let create = || {
            post("/v1/members", &body)
                .by(&admin)
                .header("idempotency-key", "ana")
        };
        let made = instance.send(create()).await.is(201);
        assert_eq!(instance.send(create()).await.is(201), made);
    })
    .await;
}
