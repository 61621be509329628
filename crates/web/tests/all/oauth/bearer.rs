//! Access tokens at a protected resource (RFC 6750): the demo API.

use serde_json::json;

use super::{client, form};
use crate::instance::{for_each_app, text};
use crate::requests::{Answer, get, post};

const METADATA: &str =
    "resource_metadata=\"https://live.acme.test/.well-known/oauth-protected-resource\"";

fn challenge(answer: &Answer, status: u16) -> &str {
    assert_eq!(answer.status, status, "{answer:?}");
    answer.header("www-authenticate")
}

#[tokio::test]
async fn without_a_token_the_challenge_has_no_error_and_names_the_metadata() {
    for_each_app(async |instance| {
        let answer = instance.send(get("/demo/v1/leads")).await;
        assert_eq!(challenge(&answer, 401), format!("Bearer {METADATA}"));
    })
    .await;
}

#[tokio::test]
async fn a_bad_an_expired_and_a_revoked_token_are_invalid_token() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let revoked = client.token(instance).await;
        client.revoke(instance, &revoked).await;
        let expired = client.token(instance).await;
        instance
            .send(get("/demo/v1/leads").by(&expired))
            .await
            .is(200);
        instance.pass(3_601_000).await;
        let mut forged = client.token(instance).await;
        let last = forged.len() - 10;
        forged.replace_range(
            last..=last,
            if &forged[last..=last] == "A" {
                "B"
            } else {
                "A"
            },
        );
        for token in [&*revoked, &*expired, &*forged, "x", "a.b.c"] {
            let answer = instance.send(get("/demo/v1/leads").by(token)).await;
            let expected = format!("Bearer error=\"invalid_token\", {METADATA}");
            assert_eq!(challenge(&answer, 401), expected);
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_without_the_scope_is_insufficient_scope_and_told_which() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let answer = client
            .token_with(instance, &[("scope", "read:leads")])
            .await;
        let token = text(&answer, "access_token");
        instance.send(get("/demo/v1/leads").by(token)).await.is(200);
        let refused = instance
            .send(post("/demo/v1/leads", &json!({})).by(token))
            .await;
        let expected =
            format!("Bearer error=\"insufficient_scope\", scope=\"write:leads\", {METADATA}");
        assert_eq!(challenge(&refused, 403), expected);
    })
    .await;
}

#[tokio::test]
async fn a_token_in_the_query_or_in_a_form_alone_is_none() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let token = client.token(instance).await;
        let in_query = get(&format!("/demo/v1/leads?access_token={token}"));
        let in_form = form("/demo/v1/leads", &[("access_token", &token)]);
        for call in [in_query, in_form] {
            let answer = instance.send(call).await;
            assert!(challenge(&answer, 401).starts_with("Bearer"), "{answer:?}");
            assert!(!challenge(&answer, 401).contains("error"), "{answer:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_in_header_and_form_together_is_invalid_request() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let token = client.token(instance).await;
        let twice = form("/demo/v1/leads", &[("access_token", &token)]).by(&token);
        let answer = instance.send(twice).await;
        assert_eq!(challenge(&answer, 400), "Bearer error=\"invalid_request\"");
        assert_eq!(answer.json()["error"]["code"], "INVALID_REQUEST");
    })
    .await;
}

#[tokio::test]
async fn a_client_secret_is_no_bearer() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let answer = instance
            .send(get("/demo/v1/leads").by(&client.secret))
            .await;
        answer.refused(claviger_model::Reason::KindNotAccepted);
    })
    .await;
}
