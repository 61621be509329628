//! `authorization_code`: what a code is bound to, and that it is used once.

use claviger_model::clients::GrantType;
use futures_util::future::join_all;
use serde_json::json;

use super::super::{claims, client, form};
use super::{CALLBACK, Kind, VERIFIER, both_kinds, challenge, check, code, exchange};
use crate::instance::{API, for_each_app, text};
use crate::requests::{get, post};

#[tokio::test]
async fn a_code_becomes_tokens_that_act_for_the_user() {
    for_each_app(async |instance| {
        for app in both_kinds(instance).await {
            let allowed = app.allowed(instance, "read:leads write:leads").await;
            let (code, grant) = code(instance, &allowed).await;
            let answer = instance.send(app.exchange(&code)).await;
            let tokens = answer.is(200);
            answer.is_not_stored();
            assert_eq!(answer.header("content-type"), "application/json");
            assert_eq!(tokens["token_type"], "Bearer");
            assert_eq!(tokens["expires_in"], 3_600);
            assert_eq!(tokens["scope"], "read:leads write:leads");
            assert!(text(&tokens, "refresh_token").starts_with("crt_"));
            assert_eq!(tokens.as_object().unwrap().len(), 5, "{tokens}");

            let claims = claims(text(&tokens, "access_token"));
            assert_eq!(claims["sub"], json!(allowed.user_id));
            assert_eq!(claims["account"], json!(allowed.account_id));
            assert_eq!(claims["client_id"], json!(app.id));
            assert_eq!(claims["gty"], "authorization-code");
            assert_eq!(claims["aud"], API);
            assert_eq!(claims["grant"], json!(grant));
            assert_eq!(claims["generation"], 1);
            assert_eq!(claims["secret"].is_null(), app.secret.is_none());
            assert_eq!(
                claims["exp"].as_i64(),
                claims["iat"].as_i64().map(|at| at + 3_600)
            );
            check(instance, &tokens, "allowed").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_code_is_exchanged_by_json_and_at_the_other_path_too() {
    for_each_app(async |instance| {
        let app = Kind::default().make(instance).await;
        let code = app.code(instance, "read:leads").await;
        let body = json!({
            "grant_type": "authorization_code", "client_id": app.id, "client_secret": app.secret,
            "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER,
        });
        let tokens = instance.send(post("/connect/token", &body)).await.is(200);
        assert_eq!(tokens["scope"], "read:leads");
    })
    .await;
}

#[tokio::test]
async fn the_code_verifier_has_to_be_the_one_of_the_challenge() {
    for_each_app(async |instance| {
        for app in both_kinds(instance).await {
            let good = app.code(instance, "read:leads").await;
            let other = "a".repeat(43);
            let own = challenge(VERIFIER);
            let short = &VERIFIER[..42];
            let long = "a".repeat(129);
            for verifier in [other.as_str(), &own, short, &long, "", "with space in it"] {
                let mut pairs = exchange(&good);
                pairs[3].1 = verifier;
                let answer = instance.send(app.ask(&pairs)).await;
                answer.oauth_error(400, "invalid_grant");
            }
            let bare = &exchange(&good)[..3];
            instance
                .send(app.ask(bare))
                .await
                .oauth_error(400, "invalid_grant");
            // None of that used the code up.
            instance.send(app.exchange(&good)).await.is(200);

            let mut allowed = app.allowed(instance, "read:leads").await;
            allowed.challenge = None;
            let (plain, _) = code(instance, &allowed).await;
            let answer = instance.send(app.exchange(&plain)).await;
            answer.oauth_error(400, "invalid_request");
            instance.send(app.ask(&exchange(&plain)[..3])).await.is(200);
        }
    })
    .await;
}

#[tokio::test]
async fn the_redirect_uri_has_to_be_the_same_text_where_it_was_named() {
    for_each_app(async |instance| {
        let app = Kind::public().make(instance).await;
        let mut allowed = app.allowed(instance, "read:leads").await;
        let (named, _) = code(instance, &allowed).await;
        allowed.is_redirect_uri_named = false;
        let (unnamed, _) = code(instance, &allowed).await;
        let with = |code, uri| {
            let mut pairs = exchange(code);
            pairs[2].1 = uri;
            app.ask(&pairs)
        };
        let slash = format!("{CALLBACK}/");
        for uri in [
            slash.as_str(),
            "http://127.0.0.1/callback",
            "https://app.example/Callback",
        ] {
            for code in [&named, &unnamed] {
                let answer = instance.send(with(code, uri)).await;
                answer.oauth_error(400, "invalid_grant");
            }
        }
        // An empty parameter is one that is not sent.
        let answer = instance.send(with(&named, "")).await;
        answer.oauth_error(400, "invalid_grant");
        instance.send(with(&unnamed, "")).await.is(200);
        instance.send(with(&named, CALLBACK)).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn a_code_is_for_a_minute_and_for_its_client() {
    for_each_app(async |instance| {
        let [app, other] = both_kinds(instance).await;
        let code = app.code(instance, "read:leads").await;
        let answer = instance.send(other.exchange(&code)).await;
        answer.oauth_error(400, "invalid_grant");
        // That did not burn it.
        instance.send(app.exchange(&code)).await.is(200);

        let code = app.code(instance, "read:leads").await;
        instance.pass(50_000).await;
        instance.send(app.exchange(&code)).await.is(200);
        let code = app.code(instance, "read:leads").await;
        instance.pass(60_000).await;
        let answer = instance.send(app.exchange(&code)).await;
        answer.oauth_error(400, "invalid_grant");

        let mut mistyped = code.clone();
        mistyped.pop();
        let key = instance.key(json!({})).await;
        for wrong in ["x", "cac_", &mistyped, text(&key, "key")] {
            let answer = instance.send(app.exchange(wrong)).await;
            answer.oauth_error(400, "invalid_grant");
        }
    })
    .await;
}

#[tokio::test]
async fn a_code_that_is_used_twice_takes_back_what_it_gave() {
    for_each_app(async |instance| {
        for app in both_kinds(instance).await {
            let code = app.code(instance, "read:leads").await;
            let tokens = instance.send(app.exchange(&code)).await.is(200);
            let other = app.tokens(instance, "read:leads").await;
            check(instance, &tokens, "allowed").await;
            // Somebody who is not the client changes nothing.
            let stranger = Kind::public().make(instance).await;
            let answer = instance.send(stranger.exchange(&code)).await;
            answer.oauth_error(400, "invalid_grant");
            check(instance, &tokens, "allowed").await;

            // Whatever the verifier is.
            let answer = instance.send(app.ask(&exchange(&code)[..3])).await;
            answer.oauth_error(400, "invalid_grant");
            check(instance, &tokens, "revoked").await;
            let answer = instance.send(app.refresh(&tokens)).await;
            answer.oauth_error(400, "invalid_grant");
            let event = instance.newest_event("token.family_ended").await;
            assert_eq!(event["actor"], json!(app.id));
            assert_eq!(event["account_id"], json!(instance.account_id()));

            // What the user allowed goes on.
            check(instance, &other, "allowed").await;
            app.refreshed(instance, &other).await;
            instance
                .send(app.exchange(&code))
                .await
                .oauth_error(400, "invalid_grant");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_exchanges_at_once_one_is_answered_and_then_ended() {
    for_each_app(async |instance| {
        let app = Kind::public().make(instance).await;
        let code = app.code(instance, "read:leads").await;
        let answers = join_all((0..64).map(|_| instance.send(app.exchange(&code)))).await;
        let (given, refused): (Vec<_>, Vec<_>) =
            answers.iter().partition(|answer| answer.status == 200);
        assert_eq!(given.len(), 1);
        for answer in refused {
            answer.oauth_error(400, "invalid_grant");
        }
        let tokens = given[0].json();
        check(instance, &tokens, "revoked").await;
        let answer = instance.send(app.refresh(&tokens)).await;
        answer.oauth_error(400, "invalid_grant");
    })
    .await;
}

#[tokio::test]
async fn a_client_uses_the_grant_types_that_it_has() {
    for_each_app(async |instance| {
        let machine = client(instance, json!({})).await;
        let code_only = Kind {
            grant_types: vec![GrantType::AuthorizationCode],
            ..Kind::default()
        };
        let code_only = code_only.make(instance).await;
        let code = code_only.code(instance, "read:leads").await;
        let call = form("/oauth/token", &exchange(&code)).basic(&machine.id, &machine.secret);
        let answer = instance.send(call).await;
        answer.oauth_error(400, "unauthorized_client");

        // No refresh token for who may not use one; a code that is used twice ends the token.
        let tokens = instance.send(code_only.exchange(&code)).await.is(200);
        assert!(tokens.get("refresh_token").is_none(), "{tokens}");
        check(instance, &tokens, "allowed").await;
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", "crt_x")];
        let answer = instance.send(code_only.ask(&refresh)).await;
        answer.oauth_error(400, "unauthorized_client");
        let answer = instance.send(code_only.exchange(&code)).await;
        answer.oauth_error(400, "invalid_grant");
        check(instance, &tokens, "revoked").await;

        for app in both_kinds(instance).await {
            let call = app.ask(&[("grant_type", "client_credentials")]);
            let answer = instance.send(call).await;
            answer.oauth_error(400, "unauthorized_client");
        }
        let public = Kind {
            grant_types: vec![GrantType::ClientCredentials],
            ..Kind::public()
        };
        let public = public.make(instance).await;
        let call = public.ask(&[("grant_type", "client_credentials")]);
        instance
            .send(call)
            .await
            .oauth_error(400, "unauthorized_client");
    })
    .await;
}

#[tokio::test]
async fn a_client_with_secrets_has_to_show_one() {
    for_each_app(async |instance| {
        let app = Kind::default().make(instance).await;
        let id = app.id.to_string();
        let code = app.code(instance, "read:leads").await;
        let with_id = [&exchange(&code)[..], &[("client_id", &id)]].concat();
        let call = form("/oauth/token", &with_id);
        instance.send(call).await.oauth_error(401, "invalid_client");
        let tokens = instance.send(app.exchange(&code)).await.is(200);
        let refresh = [
            ("grant_type", "refresh_token"),
            ("refresh_token", text(&tokens, "refresh_token")),
            ("client_id", &id),
        ];
        let call = form("/oauth/token", &refresh);
        instance.send(call).await.oauth_error(401, "invalid_client");
        app.refreshed(instance, &tokens).await;
    })
    .await;
}

#[tokio::test]
async fn the_device_grant_is_unknown_while_it_is_off() {
    for_each_app(async |instance| {
        let app = Kind::public().make(instance).await;
        let device = "urn:ietf:params:oauth:grant-type:device_code";
        for word in [device, "password", "implicit"] {
            let answer = instance.send(app.ask(&[("grant_type", word)])).await;
            answer.oauth_error(400, "unsupported_grant_type");
        }
        let told = instance
            .send(get("/.well-known/oauth-authorization-server"))
            .await
            .is(200);
        let grants = ["client_credentials", "authorization_code", "refresh_token"];
        assert_eq!(told["grant_types_supported"], json!(grants));
    })
    .await;
}
