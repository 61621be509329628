//! `Idempotency-Key`: a POST that is sent twice creates once.

use claviger_model::Reason::{IdempotencyMismatch, Malformed};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{listed, valid};
use crate::instance::{for_each_app, text};
use crate::requests::post;

const MINUTE: i64 = 60_000;

#[tokio::test]
async fn an_idempotency_key_creates_once() {
    for_each_app(async |instance| {
        let (admin, owner) = (
            instance.session("admin").await,
            instance.session("owner").await,
        );
        let create = |token: &str, body: &Value| {
            post("/api/keys", body)
                .by(token)
                .header("idempotency-key", "first")
        };
        let made = instance.send(create(&admin, &valid())).await.is(201);
        assert_eq!(instance.send(create(&admin, &valid())).await.is(201), made);
        let other = json!({"name": "Another", "scopes": ["read:leads"]});
        instance
            .send(create(&admin, &other))
            .await
            .refused(IdempotencyMismatch);
        let theirs = instance.send(create(&owner, &valid())).await.is(201);
        assert_ne!(
            theirs["id"], made["id"],
            "another actor's header is another one"
        );
        let odd = post("/api/keys", &valid())
            .by(&admin)
            .header("idempotency-key", &"x".repeat(256));
        instance.send(odd).await.refused(Malformed);

        instance.pass(10 * MINUTE).await;
        let late = instance.send(create(&admin, &valid())).await.is(201);
        assert_eq!(late["id"], made["id"]);
        assert!(
            late.get("key").is_none(),
            "the secret is replayed for ten minutes only"
        );
        assert_eq!(listed(instance, &admin, "").await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_body_that_is_refused_leaves_its_idempotency_key_free() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let create = |body: &Value| {
            post("/api/keys", body)
                .by(&admin)
                .header("idempotency-key", "k")
        };
        let bad = json!({"name": "x", "scopes": ["no:such"]});
        instance
            .send(create(&bad))
            .await
            .refused_members(&["scopes[0]"]);
        instance.send(create(&valid())).await.is(201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_at_once_with_one_idempotency_key_one_creates() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let create = || {
            post("/api/keys", &valid())
                .by(&admin)
                .header("idempotency-key", "once")
        };
        let sent: Vec<_> = (0..64).map(|_| instance.send(create())).collect();
        let mut found = std::collections::BTreeSet::new();
        for answer in join_all(sent).await {
            let body = answer.is(201);
            found.insert((text(&body, "id").to_owned(), text(&body, "key").to_owned()));
        }
        assert_eq!(found.len(), 1);
        assert_eq!(listed(instance, &admin, "?status=all").await.len(), 1);
    })
    .await;
}
