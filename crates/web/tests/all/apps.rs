//! `/v1/clients` of the kind `app`: clients that act for users.

use claviger_model::Reason::{Conflict, InsufficientScope, PreconditionFailed};
use claviger_service::settings::{OAuthSettings, Settings};
use serde_json::{Value, json};

use super::instance::{Instance, for_each_app, for_each_app_with, merged, text, with_management};
use super::keys::management_token;
use super::requests::{Answer, get, patch, post};

const CALLBACK: &str = "https://app.test/cb";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn valid() -> Value {
    json!({"name": "Calendar", "kind": "app", "scopes": ["read:leads"],
        "redirect_uris": [CALLBACK]})
}

async fn create_as(instance: &Instance, who: &str, more: Value) -> Answer {
    let session = instance.session(who).await;
    let within = match who {
        "operator" => json!({"account_id": instance.account_id()}),
        _ => json!({}),
    };
    let body = merged(&merged(&valid(), &more), &within);
    instance.send(post("/v1/clients", &body).by(&session)).await
}

async fn edited(instance: &Instance, made: &Value, change: Value) -> Answer {
    let admin = instance.session("admin").await;
    let path = format!("/v1/clients/{}", text(made, "id"));
    instance.send(patch(&path, &change).by(&admin)).await
}

fn keys() -> Value {
    json!({"keys": [{"kty": "EC", "crv": "P-256",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}]})
}

#[tokio::test]
async fn an_app_is_made_shown_and_listed_with_all_that_it_is() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let links = json!({"client_uri": "https://app.test", "logo_uri": "https://app.test/l.png",
            "policy_uri": "https://app.test/privacy", "tos_uri": "https://app.test/terms"});
        let made = create_as(instance, "admin", links.clone()).await.is(201);
        assert!(text(&made, "client_secret").starts_with("cs_live_"));
        let expected = json!({"kind": "app", "public": false, "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"], "require_pkce": true,
            "token_endpoint_auth_method": null, "jwks": null, "jwks_uri": null,
            "require_pushed_authorization_requests": false, "dpop_bound_access_tokens": false,
            "origin": "account", "client_id": made["id"]});
        let expected = merged(&expected, &links);
        for (member, value) in expected.as_object().expect("members") {
            assert_eq!(made[member], *value, "{member}");
        }
        let path = format!("/v1/clients/{}", text(&made, "id"));
        let shown = instance.send(get(&path).by(&admin)).await.is(200);
        let listed = instance.send(get("/v1/clients").by(&admin)).await.is(200);
        assert_eq!(listed["data"], json!([shown]));
        for (member, value) in expected.as_object().expect("members") {
            assert_eq!(shown[member], *value, "{member}");
        }
        let event = instance.newest_event("client.created").await;
        assert_eq!(event["after"]["redirect_uris"], json!([CALLBACK]));
    })
    .await;
}

#[tokio::test]
async fn a_public_app_gets_no_secret() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        for more in [
            json!({"public": true}),
            json!({"token_endpoint_auth_method": "none"}),
        ] {
            let made = create_as(instance, "admin", more).await.is(201);
            assert!(made.get("client_secret").is_none(), "{made}");
            assert_eq!(
                (&made["public"], &made["token_endpoint_auth_method"]),
                (&json!(true), &json!("none"))
            );
            assert_eq!(made["secrets"], json!([]));
            let secrets = format!("/v1/clients/{}/secrets", text(&made, "id"));
            let add = || instance.send(post(&secrets, &json!({})).by(&admin));
            add().await.refused(Conflict);
            // It can begin to prove who it is, and not stop again.
            let now = edited(instance, &made, json!({"public": false}))
                .await
                .is(200);
            assert_eq!(now["token_endpoint_auth_method"], Value::Null);
            add().await.is(201);
            for back in [
                json!({"public": true}),
                json!({"token_endpoint_auth_method": "none"}),
            ] {
                let member = back.as_object().and_then(|o| o.keys().next()).cloned();
                let refused = edited(instance, &made, back).await;
                refused.refused_members(&[&member.expect("a member")]);
            }
        }
        // A replay of a client without a secret.
        let body = merged(&valid(), &json!({"public": true}));
        let create = || {
            let create = post("/v1/clients", &body).by(&admin);
            instance.send(create.header("idempotency-key", "k"))
        };
        assert_eq!(create().await.is(201), create().await.is(201));
    })
    .await;
}

#[tokio::test]
async fn what_an_app_cannot_be_is_named() {
    for_each_app(async |instance| {
        for (change, member) in [
            (json!({"redirect_uris": null}), "redirect_uris"),
            (json!({"redirect_uris": []}), "redirect_uris"),
            (
                json!({"redirect_uris": ["http://app.test/cb"]}),
                "redirect_uris[0]",
            ),
            (
                json!({"redirect_uris": [CALLBACK, "https://*.app.test"]}),
                "redirect_uris[1]",
            ),
            (
                json!({"redirect_uris": ["com.example.app:/cb"]}),
                "redirect_uris[0]",
            ),
            (json!({"grant_types": ["implicit"]}), "grant_types"),
            (json!({"grant_types": [DEVICE]}), "grant_types"),
            (json!({"require_pkce": false}), "require_pkce"),
            (json!({"logo_uri": "javascript:alert(1)"}), "logo_uri"),
            (
                json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": keys()}),
                "token_endpoint_auth_method",
            ),
            (
                json!({"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}),
                "jwks",
            ),
            (json!({"jwks_uri": "http://127.0.0.1/jwks"}), "jwks_uri"),
            (
                json!({"public": true, "grant_types": ["client_credentials"]}),
                "grant_types",
            ),
        ] {
            create_as(instance, "admin", change)
                .await
                .refused_members(&[member]);
        }
    })
    .await;
}

#[tokio::test]
async fn an_edit_changes_an_app_and_its_version() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let answer = create_as(instance, "admin", json!({})).await;
        let (etag, made) = (answer.header("etag").to_owned(), answer.is(201));
        let path = format!("/v1/clients/{}", text(&made, "id"));
        let change = json!({"redirect_uris": ["http://127.0.0.1/cb"], "scopes": ["write:leads"],
            "client_uri": "https://app.test", "dpop_bound_access_tokens": true,
            "require_pushed_authorization_requests": true,
            "grant_types": ["authorization_code", "client_credentials"]});
        let now = edited(instance, &made, change.clone()).await.is(200);
        for (member, value) in change.as_object().expect("members") {
            assert_eq!(now[member], *value, "{member}");
        }
        let stale = patch(&path, &json!({"client_uri": null})).by(&admin);
        let stale = instance.send(stale.header("if-match", &etag)).await;
        stale.refused(PreconditionFailed);
        let back = json!({"client_uri": null, "grant_types": null});
        let now = edited(instance, &made, back).await.is(200);
        assert_eq!(now["client_uri"], Value::Null);
        assert_eq!(
            now["grant_types"],
            json!(["authorization_code", "refresh_token"])
        );
        let event = instance.newest_event("client.changed").await;
        assert_eq!(event["after"]["client_uri"], Value::Null, "{event}");
        assert!(event["after"].get("redirect_uris").is_none(), "{event}");
        let bare = edited(instance, &made, json!({"redirect_uris": null})).await;
        bare.refused_members(&["redirect_uris"]);
        let shown = instance.send(get(&path).by(&admin)).await.is(200);
        assert_eq!(shown["redirect_uris"], json!(["http://127.0.0.1/cb"]));
    })
    .await;
}

#[tokio::test]
async fn only_an_operator_exempts_an_app_from_its_code_challenge() {
    for_each_app(async |instance| {
        let made = create_as(instance, "operator", json!({"require_pkce": false})).await;
        let made = made.is(201);
        assert_eq!(made["require_pkce"], false);
        // What the operator allowed stays when the account changes something else.
        let renamed = edited(instance, &made, json!({"name": "Old integration"})).await;
        assert_eq!(renamed.is(200)["require_pkce"], false);
        let strict = edited(instance, &made, json!({"require_pkce": true})).await;
        assert_eq!(strict.is(200)["require_pkce"], true);
        let loose = edited(instance, &made, json!({"require_pkce": false})).await;
        loose.refused_members(&["require_pkce"]);
        let public = json!({"require_pkce": false, "public": true});
        let refused = create_as(instance, "operator", public).await;
        refused.refused_members(&["require_pkce"]);
    })
    .await;
}

#[tokio::test]
async fn an_app_that_signs_has_keys_and_no_secret() {
    let settings = Settings {
        oauth: OAuthSettings {
            private_key_jwt: true,
            device_grant: true,
            fetch_networks: vec!["127.0.0.0/8".parse().expect("a network")],
            ..OAuthSettings::default()
        },
        ..Settings::default()
    };
    for_each_app_with(&settings, async |instance| {
        let signing = json!({"token_endpoint_auth_method": "private_key_jwt"});
        let refused = create_as(instance, "admin", signing.clone()).await;
        refused.refused_members(&["jwks"]);
        let inline = merged(&signing, &json!({"jwks": keys()}));
        let made = create_as(instance, "admin", inline).await.is(201);
        assert_eq!(made["jwks"], keys());
        assert!(made.get("client_secret").is_none(), "{made}");
        let both = edited(
            instance,
            &made,
            json!({"jwks_uri": "https://app.test/jwks"}),
        )
        .await;
        both.refused_members(&["jwks_uri"]);
        let moved = json!({"jwks": null, "jwks_uri": "https://app.test/jwks"});
        let moved = edited(instance, &made, moved).await.is(200);
        assert_eq!(
            (&moved["jwks"], &moved["jwks_uri"]),
            (&Value::Null, &json!("https://app.test/jwks"))
        );
        let near = merged(&signing, &json!({"jwks_uri": "http://127.0.0.1:9/jwks"}));
        create_as(instance, "admin", near).await.is(201);
        // A machine client may sign too.
        let machine = json!({"kind": "machine", "redirect_uris": null, "jwks": keys()});
        let machine = create_as(instance, "admin", merged(&signing, &machine)).await;
        let machine = machine.is(201);
        assert_eq!(
            (&machine["jwks"], &machine["kind"]),
            (&keys(), &json!("machine"))
        );
        let plain = json!({"jwks": null, "token_endpoint_auth_method": null});
        let plain = edited(instance, &machine, plain).await.is(200);
        assert_eq!(plain["jwks"], Value::Null);
        let again = edited(
            instance,
            &machine,
            json!({"dpop_bound_access_tokens": true}),
        )
        .await;
        assert_eq!(again.is(200)["dpop_bound_access_tokens"], true);
        let device = json!({"grant_types": [DEVICE], "redirect_uris": null, "public": true});
        create_as(instance, "admin", device).await.is(201);
    })
    .await;
}

#[tokio::test]
async fn automation_hands_on_to_an_app_only_what_it_holds() {
    for_each_app_with(&with_management(), async |instance| {
        let token = management_token(instance, &["clients:write", "read:leads"]).await;
        let made = post("/v1/clients", &valid()).by(&token);
        instance.send(made).await.is(201);
        let more = merged(&valid(), &json!({"scopes": ["read:leads", "write:leads"]}));
        let refused = instance.send(post("/v1/clients", &more).by(&token)).await;
        refused.refused(InsufficientScope);
        // Whoever says where codes go, or which key proves who an app is, has what it has.
        let mighty = json!({"scopes": ["write:leads"]});
        let mighty = create_as(instance, "admin", mighty).await.is(201);
        let path = format!("/v1/clients/{}", text(&mighty, "id"));
        for change in [
            json!({"redirect_uris": ["https://elsewhere.test"]}),
            json!({"jwks": keys()}),
        ] {
            let change = patch(&path, &change).by(&token);
            instance.send(change).await.refused(InsufficientScope);
        }
    })
    .await;
}
