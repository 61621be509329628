//! `POST /oauth/introspect`: what a token is worth, for those whom it concerns.

use serde_json::{Value, json};

use super::{claims, client, form, stranger};
use crate::instance::{API, for_each_app, text};

const REPORTS: &str = "urn:acme:reports";

#[tokio::test]
async fn nobody_is_told_anything_without_authentication() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let token = client.token(instance).await;
        let bare = form("/oauth/introspect", &[("token", &token)]);
        let by_itself = form("/oauth/introspect", &[("token", &token)]).by(&token);
        for call in [bare, by_itself] {
            let answer = instance.send(call).await;
            answer.oauth_error(401, "invalid_client");
            assert!(!answer.text.contains("active"), "{answer:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_live_token_is_told_as_the_jwt_says() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let token = client.token(instance).await;
        let answer = instance
            .send(client.about("/oauth/introspect", &token))
            .await;
        let told = answer.is(200);
        answer.is_not_stored();
        let claims = claims(&token);
        assert_eq!(told["active"], true);
        assert_eq!(told["token_type"], "Bearer");
        for member in [
            "scope",
            "client_id",
            "exp",
            "iat",
            "sub",
            "aud",
            "iss",
            "jti",
            "azp",
            "gty",
            "env",
            "account",
        ] {
            assert!(!claims[member].is_null(), "{member}");
            assert_eq!(told[member], claims[member], "{member}");
        }
        // As JSON, and with any hint.
        for hint in ["access_token", "refresh_token", "x"] {
            let body = json!({"token": token, "token_type_hint": hint});
            let call =
                crate::requests::post("/oauth/introspect", &body).basic(&client.id, &client.secret);
            assert_eq!(instance.send(call).await.is(200), told);
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_not_live_is_inactive_and_nothing_else() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let key = instance.key(json!({})).await;
        let token = client.token(instance).await;
        let mut forged = token.clone();
        let last = forged.len() - 10;
        forged.replace_range(
            last..=last,
            if &forged[last..=last] == "A" {
                "B"
            } else {
                "A"
            },
        );
        for other in [
            "x",
            "a.b.c",
            &forged,
            text(&key, "key"),
            &client.secret,
            "\u{1f511}",
        ] {
            assert_eq!(
                client.introspect(instance, other).await,
                inactive(),
                "{other}"
            );
        }
        let revoked = client.token(instance).await;
        client.revoke(instance, &revoked).await;
        assert_eq!(client.introspect(instance, &revoked).await, inactive());
        instance.pass(3_601_000).await;
        assert_eq!(client.introspect(instance, &token).await, inactive());
        let missing = form("/oauth/introspect", &[]).basic(&client.id, &client.secret);
        instance
            .send(missing)
            .await
            .oauth_error(400, "invalid_request");
    })
    .await;
}

#[tokio::test]
async fn a_token_is_told_to_clients_of_its_account_that_hold_scopes_on_its_api() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let token = client.token(instance).await;
        let active = async |other: &super::TestClient| {
            other.introspect(instance, &token).await["active"].clone()
        };
        let server = super::client(instance, json!({"scopes": ["read:people"]})).await;
        assert_eq!(active(&server).await, true);
        let all = super::client(instance, json!({"scopes": "all"})).await;
        assert_eq!(active(&all).await, true);
        // Of another account; of no scope of that API.
        let stranger = stranger(instance).await;
        assert_eq!(stranger.introspect(instance, &token).await, inactive());
        super::api(instance, REPORTS, "read:reports").await;
        let reporter = super::client(instance, json!({"scopes": ["read:reports"]})).await;
        assert_eq!(reporter.introspect(instance, &token).await, inactive());
    })
    .await;
}

#[tokio::test]
async fn a_token_that_stands_for_everything_is_told_with_what_that_is() {
    for_each_app(async |instance| {
        super::api(instance, REPORTS, "read:reports").await;
        let all = client(instance, json!({"scopes": "all"})).await;
        let answer = all.token_with(instance, &[("audience", REPORTS)]).await;
        let told = all
            .introspect(instance, text(&answer, "access_token"))
            .await;
        assert_eq!(
            (&told["scope"], &told["all_scopes"]),
            (&json!("read:reports"), &json!(true))
        );
        let answer = all.token_with(instance, &[("audience", API)]).await;
        let told = all
            .introspect(instance, text(&answer, "access_token"))
            .await;
        assert!(text(&told, "scope").contains("write:leads"), "{told}");
        assert!(!text(&told, "scope").contains("read:reports"), "{told}");
    })
    .await;
}

fn inactive() -> Value {
    json!({"active": false})
}
