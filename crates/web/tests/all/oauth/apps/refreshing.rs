//! `refresh_token`: each gives the next one, and what replay does.

use std::collections::BTreeSet;

use claviger_model::grants::GrantEnd;
use claviger_service::jobs;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::super::{claims, client};
use super::{Kind, TestApp, both_kinds, check};
use crate::instance::{Instance, for_each_app, text};
use crate::requests::{delete, patch};

#[tokio::test]
async fn each_refresh_token_gives_another_one_and_an_access_token() {
    for_each_app(async |instance| {
        for app in both_kinds(instance).await {
            let first = app.tokens(instance, "read:leads").await;
            let answer = instance.send(app.refresh(&first)).await;
            let second = answer.is(200);
            answer.is_not_stored();
            assert_ne!(first["refresh_token"], second["refresh_token"]);
            assert_ne!(first["access_token"], second["access_token"]);
            assert_eq!(second["scope"], "read:leads");
            let (before, after) = (
                claims(text(&first, "access_token")),
                claims(text(&second, "access_token")),
            );
            assert_eq!(after["gty"], "refresh-token");
            assert_eq!(after["generation"], 2);
            for member in ["sub", "account", "grant", "family", "aud", "client_id"] {
                assert_eq!(before[member], after[member], "{member}");
            }
            assert_ne!(before["jti"], after["jti"]);
            // An access token goes on when the next one is there.
            check(instance, &first, "allowed").await;
            check(instance, &second, "allowed").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_ends_after_thirty_days_of_rest() {
    for_each_app(async |instance| {
        let app = Kind::public().make(instance).await;
        let first = app.tokens(instance, "read:leads").await;
        instance.pass(29 * 86_400_000).await;
        let second = app.refreshed(instance, &first).await;
        instance.pass(29 * 86_400_000).await;
        let third = app.refreshed(instance, &second).await;
        instance.pass(30 * 86_400_000).await;
        let answer = instance.send(app.refresh(&third)).await;
        answer.oauth_error(400, "invalid_grant");
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_costs_nothing() {
    for_each_app(async |instance| {
        for app in both_kinds(instance).await {
            let first = app.tokens(instance, "read:leads").await;
            check(instance, &first, "allowed").await;
            let lost = app.refreshed(instance, &first).await;
            let again = app.refreshed(instance, &first).await;
            let once_more = app.refreshed(instance, &first).await;
            // The successors before are dead, and that alone kills nobody.
            for replaced in [&lost, &again] {
                let answer = instance.send(app.refresh(replaced)).await;
                answer.oauth_error(400, "invalid_grant");
            }
            let next = app.refreshed(instance, &once_more).await;
            check(instance, &next, "allowed").await;
            app.refreshed(instance, &next).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_whose_successor_was_used_ends_everything() {
    for_each_app(async |instance| {
        for app in both_kinds(instance).await {
            let first = app.tokens(instance, "read:leads").await;
            let second = app.refreshed(instance, &first).await;
            let third = app.refreshed(instance, &second).await;
            is_replayed(instance, &app, &first, &[&first, &second, &third]).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_whose_access_token_was_used_ends_everything() {
    for_each_app(async |instance| {
        for app in both_kinds(instance).await {
            let first = app.tokens(instance, "read:leads").await;
            check(instance, &first, "allowed").await;
            let second = app.refreshed(instance, &first).await;
            check(instance, &second, "allowed").await;
            is_replayed(instance, &app, &first, &[&first, &second]).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_use_is_remembered_when_it_left_the_memory() {
    for_each_app(async |instance| {
        let app = Kind::public().make(instance).await;
        let first = app.tokens(instance, "read:leads").await;
        let second = app.refreshed(instance, &first).await;
        check(instance, &second, "allowed").await;
        let index = instance.app().verifier().index();
        let noted = async {
            while !index.families().uses().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        let deadline = std::time::Duration::from_secs(30);
        tokio::time::timeout(deadline, noted).await.expect("noted");
        is_replayed(instance, &app, &first, &[&first, &second]).await;
    })
    .await;
}

#[tokio::test]
async fn asking_what_a_token_is_worth_uses_it_when_somebody_else_asks() {
    for_each_app(async |instance| {
        let app = Kind::default().make(instance).await;
        let server = client(instance, json!({})).await;
        let first = app.tokens(instance, "read:leads").await;
        let second = app.refreshed(instance, &first).await;
        let own = app
            .introspect(instance, text(&second, "access_token"))
            .await;
        assert_eq!(own["active"], true);
        let third = app.refreshed(instance, &first).await;
        let token = text(&third, "access_token");
        let told = server.introspect(instance, token).await;
        assert_eq!(
            (&told["active"], &told["sub"]),
            (&json!(true), &claims(token)["sub"])
        );
        is_replayed(instance, &app, &first, &[&first, &third]).await;
    })
    .await;
}

#[tokio::test]
async fn a_replay_ends_everything_whatever_else_is_asked() {
    for_each_app(async |instance| {
        let app = Kind::public().make(instance).await;
        let first = app.tokens(instance, "read:leads").await;
        let second = app.refreshed(instance, &first).await;
        check(instance, &second, "allowed").await;
        let call = app.refresh_with(&first, &[("scope", "admin"), ("resource", "x")]);
        instance.send(call).await.oauth_error(400, "invalid_grant");
        check(instance, &second, "revoked").await;
    })
    .await;
}

#[tokio::test]
async fn a_replaced_token_is_a_replay_after_a_minute() {
    for_each_app(async |instance| {
        let app = Kind::public().make(instance).await;
        let first = app.tokens(instance, "read:leads").await;
        let replaced = app.refreshed(instance, &first).await;
        let current = app.refreshed(instance, &first).await;
        instance.pass(30_000).await;
        let answer = instance.send(app.refresh(&replaced)).await;
        answer.oauth_error(400, "invalid_grant");
        check(instance, &current, "allowed").await;
        instance.pass(31_000).await;
        is_replayed(instance, &app, &replaced, &[&first, &current]).await;
    })
    .await;
}

/// Uses an old refresh token, and finds all that the user allowed ended.
async fn is_replayed(instance: &Instance, app: &TestApp, old: &Value, all: &[&Value]) {
    let answer = instance.send(app.refresh(old)).await;
    answer.oauth_error(400, "invalid_grant");
    for tokens in all {
        check(instance, tokens, "revoked").await;
        let answer = instance.send(app.refresh(tokens)).await;
        answer.oauth_error(400, "invalid_grant");
    }
    let event = instance.newest_event("grant.ended").await;
    assert_eq!(event["actor"], json!(app.id));
    assert_eq!(event["target"], claims(text(old, "access_token"))["grant"]);
    assert_eq!(event["after"]["ended_by"], GrantEnd::Replayed.as_str());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_refreshes_at_once_one_chain_lives() {
    for_each_app(async |instance| {
        let app = Kind::public().make(instance).await;
        let first = app.tokens(instance, "read:leads").await;
        let calls = (0..64).map(|_| instance.send(app.refresh(&first)));
        let answers = join_all(calls).await;
        let given: Vec<Value> = answers.iter().map(|answer| answer.is(200)).collect();
        let generation =
            |tokens: &Value| claims(text(tokens, "access_token"))["generation"].as_u64();
        let generations: BTreeSet<_> = given.iter().map(generation).collect();
        assert_eq!(generations, (2..66).map(Some).collect());
        // What the user allowed lives, and one of the refresh tokens does.
        for tokens in &given {
            let told = instance
                .send(app.send_to("/oauth/introspect", &[("token", "x")]))
                .await;
            told.oauth_error(401, "invalid_client");
            let is_last = generation(tokens) == Some(65);
            if !is_last {
                let answer = instance.send(app.refresh(tokens)).await;
                answer.oauth_error(400, "invalid_grant");
            }
        }
        let last = given
            .iter()
            .find(|tokens| generation(tokens) == Some(65))
            .unwrap();
        check(instance, last, "allowed").await;
        app.refreshed(instance, last).await;
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_is_for_its_client_alone() {
    for_each_app(async |instance| {
        let [app, other] = both_kinds(instance).await;
        let tokens = app.tokens(instance, "read:leads").await;
        for _ in 0..2 {
            let answer = instance.send(other.refresh(&tokens)).await;
            answer.oauth_error(400, "invalid_grant");
        }
        other.revoke(instance, text(&tokens, "refresh_token")).await;
        let next = app.refreshed(instance, &tokens).await;
        check(instance, &next, "allowed").await;
        let wrong = json!({"refresh_token": tokens["access_token"]});
        let answer = instance.send(app.refresh(&wrong)).await;
        answer.oauth_error(400, "invalid_grant");
        let answer = instance
            .send(app.ask(&[("grant_type", "refresh_token")]))
            .await;
        answer.oauth_error(400, "invalid_request");
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_that_is_given_back_takes_its_family_along() {
    for_each_app(async |instance| {
        for app in both_kinds(instance).await {
            let first = app.tokens(instance, "read:leads").await;
            let other = app.tokens(instance, "read:leads").await;
            let second = app.refreshed(instance, &first).await;
            let answer = app.revoke(instance, text(&second, "refresh_token")).await;
            answer.is_not_stored();
            for tokens in [&first, &second] {
                check(instance, tokens, "revoked").await;
            }
            let answer = instance.send(app.refresh(&second)).await;
            answer.oauth_error(400, "invalid_grant");
            app.revoke(instance, text(&second, "refresh_token")).await;
            check(instance, &other, "allowed").await;

            // An access token alone.
            app.revoke(instance, text(&other, "access_token")).await;
            check(instance, &other, "revoked").await;
            let next = app.refreshed(instance, &other).await;
            check(instance, &next, "allowed").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_is_told_of_its_own_live_refresh_tokens() {
    for_each_app(async |instance| {
        let app = Kind::default().make(instance).await;
        let stranger = Kind::default().make(instance).await;
        let tokens = app.tokens(instance, "read:leads").await;
        let token = text(&tokens, "refresh_token");
        let told = app.introspect(instance, token).await;
        let access = claims(text(&tokens, "access_token"));
        assert_eq!(told["active"], true);
        for member in ["client_id", "sub", "scope", "iss"] {
            assert_eq!(told[member], access[member], "{member}");
        }
        let lifetime = told["exp"].as_i64().unwrap() - told["iat"].as_i64().unwrap();
        assert_eq!(lifetime, 30 * 86_400);
        assert_eq!(told["token_type"], "refresh_token");
        let inactive = json!({"active": false});
        assert_eq!(stranger.introspect(instance, token).await, inactive);
        let next = app.refreshed(instance, &tokens).await;
        assert_eq!(app.introspect(instance, token).await, inactive);
        let token = text(&next, "refresh_token");
        assert_eq!(app.introspect(instance, token).await["active"], true);
        app.revoke(instance, token).await;
        assert_eq!(app.introspect(instance, token).await, inactive);

        let public = Kind::public().make(instance).await;
        let call = public.send_to("/oauth/introspect", &[("token", token)]);
        instance.send(call).await.oauth_error(401, "invalid_client");
    })
    .await;
}

#[tokio::test]
async fn a_user_who_lost_access_gives_no_more_tokens() {
    for_each_app(async |instance| {
        let app = Kind::default().make(instance).await;
        let tokens = app.tokens(instance, "read:leads").await;
        let operator = instance.session("operator").await;
        let user = claims(text(&tokens, "access_token"))["sub"].clone();
        let path = format!("/v1/users/{}", user.as_str().unwrap());
        let suspend = patch(&path, &json!({"status": "suspended"})).by(&operator);
        instance.send(suspend).await.is(200);
        let answer = instance.send(app.refresh(&tokens)).await;
        answer.oauth_error(400, "invalid_grant");

        let allowed = app.allowed_by(instance, "viewer", "read:leads").await;
        let (code, _) = super::code(instance, &allowed).await;
        let tokens = instance.send(app.exchange(&code)).await.is(200);
        let (code, _) = super::code(instance, &allowed).await;
        let path = format!("/v1/members/{}", allowed.user_id);
        let path = format!("{path}?account_id={}", instance.account_id());
        instance.send(delete(&path).by(&operator)).await.is(200);
        for call in [app.refresh(&tokens), app.exchange(&code)] {
            instance.send(call).await.oauth_error(400, "invalid_grant");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_over_is_forgotten_when_it_can_do_no_harm() {
    for_each_app(async |instance| {
        let app = Kind::public().make(instance).await;
        let code = app.code(instance, "read:leads").await;
        let tokens = instance.send(app.exchange(&code)).await.is(200);
        let clean = async || jobs::start(instance.app().clone()).stop().await;
        instance.pass(62 * 60_000).await;
        clean().await;
        let answer = instance.send(app.exchange(&code)).await;
        let told = answer.oauth_error(400, "invalid_grant");
        assert!(told.contains("no code"), "{told}");

        for (days, word) in [(30, "over"), (29, "over"), (2, "no refresh token")] {
            instance.pass(days * 86_400_000).await;
            clean().await;
            let answer = instance.send(app.refresh(&tokens)).await;
            let told = answer.oauth_error(400, "invalid_grant");
            assert!(told.contains(word), "{told}");
        }
    })
    .await;
}
