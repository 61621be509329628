//! `scope`: what was asked for, as far as the client holds it, and never less without a word.

use serde_json::json;

use super::{claims, client};
use crate::instance::{API, for_each_app, text};

#[tokio::test]
async fn scopes_are_those_asked_for_or_all_that_the_client_holds() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        for (asked, given) in [
            ("", "read:leads write:leads"),
            ("write:leads", "write:leads"),
            ("write:leads read:leads", "write:leads read:leads"),
            ("read:leads read:leads", "read:leads"),
        ] {
            let answer = client.token_with(instance, &[("scope", asked)]).await;
            assert_eq!(answer["scope"], given);
            let token = text(&answer, "access_token");
            assert_eq!(claims(token)["scope"], given);
            for scope in ["read:leads", "write:leads"] {
                let holds = given.contains(scope);
                let reason = if holds {
                    "allowed"
                } else {
                    "insufficient_scope"
                };
                instance
                    .check(token, json!({"api": API, "scopes": [scope]}), reason)
                    .await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_scope_beyond_the_clients_or_malformed_is_invalid_scope() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        for (asked, named) in [
            ("read:people", "read:people"),
            (
                "read:leads read:people write:people",
                "read:people write:people",
            ),
            ("admin", "admin"),
            ("no:such", "no:such"),
            ("keys:read", "keys:read"),
            ("read:leads  write:leads", "malformed"),
            (" read:leads", "malformed"),
            ("read:leads\twrite:leads", "malformed"),
            ("read:\"leads\"", "malformed"),
            ("*", "*"),
        ] {
            let answer = instance.send(client.form(&[("scope", asked)])).await;
            let told = answer.oauth_error(400, "invalid_scope");
            assert!(told.contains(named), "{asked}: {told}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_scope_that_stands_for_all_is_handed_on_whole_or_in_parts() {
    for_each_app(async |instance| {
        let admin = client(instance, json!({"scopes": ["admin"]})).await;
        let answer = admin.token_with(instance, &[]).await;
        assert_eq!(answer["scope"], "admin");
        let whole = text(&answer, "access_token").to_owned();
        let answer = admin
            .token_with(instance, &[("scope", "read:people")])
            .await;
        let part = text(&answer, "access_token");
        for (token, scope, reason) in [
            (&*whole, "read:people", "allowed"),
            (&*whole, "write:leads", "allowed"),
            (part, "read:people", "allowed"),
            (part, "write:leads", "insufficient_scope"),
        ] {
            instance
                .check(token, json!({"api": API, "scopes": [scope]}), reason)
                .await;
        }
        let answer = instance.send(admin.form(&[("scope", "no:such")])).await;
        answer.oauth_error(400, "invalid_scope");
    })
    .await;
}

#[tokio::test]
async fn a_client_of_everything_gets_an_empty_scope_that_stands_for_everything() {
    for_each_app(async |instance| {
        let all = client(instance, json!({"scopes": "all"})).await;
        let answer = all.token_with(instance, &[]).await;
        assert_eq!(answer["scope"], "");
        let token = text(&answer, "access_token");
        assert_eq!(claims(token)["all_scopes"], true);
        let route = json!({"api": API, "method": "POST", "path": "/v1/leads"});
        instance.check(token, route.clone(), "allowed").await;
        let answer = all.token_with(instance, &[("scope", "read:people")]).await;
        assert_eq!(answer["scope"], "read:people");
        let token = text(&answer, "access_token");
        assert_eq!(claims(token).get("all_scopes"), None);
        instance.check(token, route, "insufficient_scope").await;
        let answer = instance.send(all.form(&[("scope", "no:such")])).await;
        answer.oauth_error(400, "invalid_scope");
    })
    .await;
}

#[tokio::test]
async fn a_scope_counts_only_while_the_client_holds_it() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let token = client.token(instance).await;
        client
            .edit(instance, json!({"scopes": ["read:leads"]}))
            .await;
        let needs = |scope: &str| json!({"api": API, "scopes": [scope]});
        instance.check(&token, needs("read:leads"), "allowed").await;
        instance
            .check(&token, needs("write:leads"), "insufficient_scope")
            .await;
        assert_eq!(
            client.introspect(instance, &token).await["scope"],
            "read:leads"
        );
    })
    .await;
}
