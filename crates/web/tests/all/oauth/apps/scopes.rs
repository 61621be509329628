//! Which scopes and which APIs a token that acts for a user has.

use claviger_model::clients::ClientScopes;
use claviger_model::scopes::ScopeName;
use serde_json::json;

use super::super::{api, claims};
use super::{Kind, code, exchange};
use crate::instance::{API, for_each_app, text};
use crate::requests::patch;

const REPORTS: &str = "urn:acme:reports";

#[tokio::test]
async fn a_scope_narrows_one_access_token_and_not_the_next() {
    for_each_app(async |instance| {
        let app = Kind::public().make(instance).await;
        let tokens = app.tokens(instance, "read:leads write:leads").await;
        let narrow = app.refresh_with(&tokens, &[("scope", "write:leads")]);
        let narrow = instance.send(narrow).await.is(200);
        assert_eq!(narrow["scope"], "write:leads");
        assert_eq!(
            claims(text(&narrow, "access_token"))["scope"],
            "write:leads"
        );
        let whole = app.refreshed(instance, &narrow).await;
        assert_eq!(whole["scope"], "read:leads write:leads");
        for wider in ["read:people", "read:leads read:people", "unknown", " "] {
            let call = app.refresh_with(&whole, &[("scope", wider)]);
            let answer = instance.send(call).await;
            answer.oauth_error(400, "invalid_scope");
        }
        // None of that used it up.
        app.refreshed(instance, &whole).await;
    })
    .await;
}

#[tokio::test]
async fn a_token_is_for_the_apis_of_its_scopes_and_can_be_for_fewer() {
    for_each_app(async |instance| {
        api(instance, REPORTS, "read:reports").await;
        let app = Kind::public().make(instance).await;
        let tokens = app.tokens(instance, "read:leads read:reports").await;
        let audiences =
            |tokens: &serde_json::Value| claims(text(tokens, "access_token"))["aud"].clone();
        assert_eq!(audiences(&tokens), json!([API, REPORTS]));
        for name in ["audience", "resource"] {
            let one = app.refresh_with(&tokens, &[(name, REPORTS)]);
            let one = instance.send(one).await.is(200);
            assert_eq!(audiences(&one), REPORTS);
            assert_eq!(one["scope"], "read:reports");
        }
        let one = app.tokens(instance, "read:leads").await;
        assert_eq!(audiences(&one), API);
        let beyond = app.refresh_with(&one, &[("resource", REPORTS)]);
        instance
            .send(beyond)
            .await
            .oauth_error(400, "invalid_scope");
        for unknown in ["https://else.test", "urn:x", "/relative", "https://a#b"] {
            let call = app.refresh_with(&one, &[("resource", unknown)]);
            instance.send(call).await.oauth_error(400, "invalid_target");
        }
        let issuer = app.refresh_with(&one, &[("resource", instance.issuer())]);
        instance
            .send(issuer)
            .await
            .oauth_error(400, "invalid_target");

        // An authorization for one API.
        let mut allowed = app.allowed(instance, "read:leads read:reports").await;
        allowed.authorized.audiences = vec![API.to_owned()];
        let (code, _) = code(instance, &allowed).await;
        let with_target = |target| [&exchange(&code)[..], &[("resource", target)]].concat();
        let call = app.ask(&with_target(REPORTS));
        instance.send(call).await.oauth_error(400, "invalid_target");
        let tokens = instance.send(app.ask(&with_target(API))).await.is(200);
        assert_eq!(audiences(&tokens), API);
        assert_eq!(tokens["scope"], "read:leads");
    })
    .await;
}

#[tokio::test]
async fn what_the_app_or_the_user_lost_is_not_in_the_next_token() {
    for_each_app(async |instance| {
        let held = ["read:leads", "write:leads", "read:people"];
        let held = held.map(|name| ScopeName::new(name).unwrap());
        let kind = Kind {
            scopes: ClientScopes::Named(held.to_vec()),
            ..Kind::default()
        };
        let app = kind.make(instance).await;
        let tokens = app
            .tokens(
                instance,
                "read:leads write:leads read:people read:analytics",
            )
            .await;
        assert_eq!(tokens["scope"], "read:leads write:leads read:people");
        let operator = instance.session("operator").await;
        let user = claims(text(&tokens, "access_token"))["sub"].clone();
        let path = format!(
            "/v1/members/{}?account_id={}",
            user.as_str().unwrap(),
            instance.account_id()
        );
        let demote = patch(&path, &json!({"role": "viewer"})).by(&operator);
        instance.send(demote).await.is(200);
        let tokens = app.refreshed(instance, &tokens).await;
        assert_eq!(tokens["scope"], "read:leads read:people");
        let lost = app.refresh_with(&tokens, &[("scope", "write:leads")]);
        instance.send(lost).await.oauth_error(400, "invalid_scope");
        app.refreshed(instance, &tokens).await;
    })
    .await;
}

#[tokio::test]
async fn only_a_quota_of_its_own_counts_the_tokens_of_an_app() {
    for_each_app(async |instance| {
        let kind = Kind {
            tokens_per_day: Some(2),
            ..Kind::default()
        };
        let app = kind.make(instance).await;
        let first = app.tokens(instance, "read:leads").await;
        let answer = instance.send(app.refresh(&first)).await;
        let second = answer.is(200);
        assert!(answer.headers.contains_key("ratelimit"));
        let answer = instance.send(app.refresh(&second)).await;
        answer.oauth_error(429, "quota_exhausted");
        // That did not use the refresh token up.
        instance.pass(86_400_000).await;
        app.refreshed(instance, &second).await;
    })
    .await;
}
