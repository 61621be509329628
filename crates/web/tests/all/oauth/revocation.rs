//! `POST /oauth/revoke`: a token given back is dead with the answer.

use serde_json::json;

use super::{client, form, stranger};
use crate::instance::for_each_app;
use crate::requests::get;

#[tokio::test]
async fn a_token_given_back_is_inactive_and_refused_at_once() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let (token, other) = (client.token(instance).await, client.token(instance).await);
        instance
            .send(get("/demo/v1/leads").by(&token))
            .await
            .is(200);
        client.revoke(instance, &token).await.is_not_stored();
        assert_eq!(
            client.introspect(instance, &token).await,
            json!({"active": false})
        );
        instance.check(&token, json!({}), "revoked").await;
        let refused = instance.send(get("/demo/v1/leads").by(&token)).await;
        assert_eq!(refused.status, 401);
        let challenge = refused.header("www-authenticate");
        assert!(
            challenge.starts_with("Bearer error=\"invalid_token\""),
            "{challenge}"
        );
        // Another one of the same client goes on.
        instance.check(&other, json!({}), "allowed").await;
    })
    .await;
}

#[tokio::test]
async fn what_is_unknown_or_dead_already_is_answered_the_same() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let token = client.token(instance).await;
        client.revoke(instance, &token).await;
        let key = instance.key(json!({})).await;
        let key = crate::instance::text(&key, "key");
        for dead in [
            &*token,
            "x",
            "a.b.c",
            key,
            &client.secret,
            &"x".repeat(20_000),
        ] {
            client.revoke(instance, dead).await;
        }
        // A key is no token of the client's: it goes on.
        instance.check(key, json!({}), "allowed").await;
        let expired = client.token(instance).await;
        instance.pass(3_601_000).await;
        client.revoke(instance, &expired).await;
    })
    .await;
}

#[tokio::test]
async fn nobody_gives_back_anything_without_authentication() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let token = client.token(instance).await;
        let bare = form("/oauth/revoke", &[("token", &token)]);
        let id_alone = form(
            "/oauth/revoke",
            &[("token", &token), ("client_id", &client.id)],
        );
        for call in [bare, id_alone] {
            instance.send(call).await.oauth_error(401, "invalid_client");
        }
        instance.check(&token, json!({}), "allowed").await;
        let missing = form("/oauth/revoke", &[]).basic(&client.id, &client.secret);
        instance
            .send(missing)
            .await
            .oauth_error(400, "invalid_request");
    })
    .await;
}

#[tokio::test]
async fn the_token_of_another_client_stays_active() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let token = client.token(instance).await;
        for other in [
            super::client(instance, json!({})).await,
            stranger(instance).await,
        ] {
            other.revoke(instance, &token).await;
            instance.check(&token, json!({}), "allowed").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_wrong_or_unknown_hint_does_not_keep_a_token_alive() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        for hint in ["refresh_token", "nonsense", ""] {
            let token = client.token(instance).await;
            let pairs = [("token", &*token), ("token_type_hint", hint)];
            let call = form("/oauth/revoke", &pairs).basic(&client.id, &client.secret);
            assert_eq!(instance.send(call).await.status, 200);
            instance.check(&token, json!({}), "revoked").await;
        }
    })
    .await;
}
