//! `/oauth/register` (RFC 7591, RFC 7592).

use axum::body::Body;
use claviger_service::settings::{OAuthSettings, Settings};
use claviger_web::{Options, Web, router};
use http::{Method, Request};
use serde_json::{Value, json};
use tower::ServiceExt;
use zeroize::Zeroizing;

use super::super::instance::{Instance, for_each_app, for_each_app_with, merged, text};
use super::super::requests::{Answer, call, delete, get, post};

const CALLBACK: &str = "https://app.test/cb";
const AUTHORIZE: &str = "/oauth/authorize?response_type=code&scope=read:leads\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

fn on() -> Settings {
    Settings {
        oauth: OAuthSettings {
            dynamic_registration: true,
            ..OAuthSettings::default()
        },
        ..Settings::default()
    }
}

async fn register(instance: &Instance, more: Value) -> Answer {
    let body = merged(
        &json!({"redirect_uris": [CALLBACK], "client_name": "Calendar"}),
        &more,
    );
    instance.send(post("/oauth/register", &body)).await
}

fn manage(method: Method, registered: &Value, token: &str) -> super::Call {
    let path = format!("/oauth/register/{}", text(registered, "client_id"));
    call(method, &path).by(token)
}

#[tokio::test]
async fn an_app_registers_itself_and_is_an_app_of_the_registered_ones() {
    for_each_app_with(&on(), async |instance| {
        let more = json!({"client_uri": "https://app.test", "software_id": "x", "contacts": [1],
            "grant_types": ["authorization_code", "refresh_token", "implicit"],
            "response_types": ["code"], "client_name#de": "Kalender"});
        let answer = register(instance, more).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        let made = answer.is(201);
        assert!(text(&made, "client_id").starts_with("cli_"));
        assert!(text(&made, "client_secret").starts_with("cs_live_"));
        assert!(text(&made, "registration_access_token").starts_with("crr_"));
        let uri = format!(
            "{}/oauth/register/{}",
            instance.issuer(),
            text(&made, "client_id")
        );
        assert_eq!(made["registration_client_uri"], uri);
        for (member, value) in [
            ("client_name", json!("Calendar")),
            ("redirect_uris", json!([CALLBACK])),
            ("client_uri", json!("https://app.test")),
            (
                "grant_types",
                json!(["authorization_code", "refresh_token"]),
            ),
            ("response_types", json!(["code"])),
            ("token_endpoint_auth_method", json!("client_secret_basic")),
            ("client_secret_expires_at", json!(0)),
            ("client_id_issued_at", json!(instance.now() / 1_000)),
        ] {
            let close = member == "client_id_issued_at"
                && (made[member].as_i64().unwrap() - value.as_i64().unwrap()).abs() < 60;
            assert!(close || made[member] == value, "{member}: {made}");
        }
    })
    .await;
}

#[tokio::test]
async fn registered_apps_are_of_one_account_and_may_send_users() {
    for_each_app_with(&on(), async |instance| {
        register(instance, json!({})).await.is(201);
        let public = register(instance, json!({"token_endpoint_auth_method": "none"})).await;
        let public = public.is(201);
        assert!(public.get("client_secret").is_none(), "{public}");
        assert!(public.get("client_secret_expires_at").is_none());
        assert_eq!(public["grant_types"], json!(["authorization_code"]));
        let operator = instance.session("operator").await;
        let accounts = instance
            .send(get("/v1/accounts").by(&operator))
            .await
            .is(200);
        let accounts = accounts["data"].as_array().unwrap().clone();
        let named = accounts.iter().filter(|a| a["name"] == "Registered apps");
        let ids: Vec<&str> = named.map(|account| text(account, "id")).collect();
        assert_eq!(ids.len(), 1, "{accounts:?}");
        let path = format!("/v1/clients?account_id={}", ids[0]);
        let listed = instance.send(get(&path).by(&operator)).await.is(200);
        let listed = listed["data"].as_array().unwrap().clone();
        assert_eq!(listed.len(), 2);
        for app in &listed {
            assert_eq!(
                (
                    &app["kind"],
                    &app["origin"],
                    &app["scopes"],
                    &app["require_pkce"]
                ),
                (
                    &json!("app"),
                    &json!("registration"),
                    &json!("all"),
                    &json!(true)
                )
            );
        }
        // It may send users to the authorization endpoint.
        let asked = format!(
            "{AUTHORIZE}&client_id={}&redirect_uri={CALLBACK}",
            text(&public, "client_id")
        );
        let answer = instance.send(get(&asked)).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let event = instance.newest_event("client.created").await;
        assert_eq!(event["actor"], "registration");
    })
    .await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a flat list of cases")]
async fn what_may_not_be_registered_is_named() {
    for_each_app_with(&on(), async |instance| {
        for (more, error, word) in [
            (
                json!({"redirect_uris": null}),
                "invalid_redirect_uri",
                "redirect_uris",
            ),
            (
                json!({"redirect_uris": []}),
                "invalid_redirect_uri",
                "redirect_uris",
            ),
            (
                json!({"redirect_uris": CALLBACK}),
                "invalid_redirect_uri",
                "list",
            ),
            (
                json!({"redirect_uris": [1]}),
                "invalid_redirect_uri",
                "list",
            ),
            (
                json!({"redirect_uris": ["http://app.test/cb"]}),
                "invalid_redirect_uri",
                "https",
            ),
            (
                json!({"redirect_uris": ["https://app.test/#x"]}),
                "invalid_redirect_uri",
                "fragment",
            ),
            (
                json!({"redirect_uris": ["/cb"]}),
                "invalid_redirect_uri",
                "absolute",
            ),
            (
                json!({"redirect_uris": ["https://*.app.test"]}),
                "invalid_redirect_uri",
                "wildcard",
            ),
            (
                json!({"redirect_uris": ["javascript:x()"]}),
                "invalid_redirect_uri",
                "javascript",
            ),
            (
                json!({"redirect_uris": ["data:text/html,x"]}),
                "invalid_redirect_uri",
                "javascript",
            ),
            (
                json!({"response_types": ["token"]}),
                "invalid_client_metadata",
                "response_types",
            ),
            (
                json!({"grant_types": ["implicit"]}),
                "invalid_client_metadata",
                "grant_types",
            ),
            (
                json!({"grant_types": "x"}),
                "invalid_client_metadata",
                "grant_types",
            ),
            (
                json!({"grant_types": ["refresh_token"]}),
                "invalid_client_metadata",
                "grant_types",
            ),
            (
                json!({"grant_types": ["client_credentials"]}),
                "invalid_client_metadata",
                "grant_types",
            ),
            (
                json!({"token_endpoint_auth_method": "client_secret_jwt"}),
                "invalid_client_metadata",
                "client_secret_basic",
            ),
            (
                json!({"token_endpoint_auth_method": "private_key_jwt",
                    "jwks_uri": "https://app.test/jwks"}),
                "invalid_client_metadata",
                "switched off",
            ),
            (
                json!({"logo_uri": "http://app.test/l"}),
                "invalid_client_metadata",
                "logo_uri",
            ),
            (
                json!({"client_name": 1}),
                "invalid_client_metadata",
                "client_name",
            ),
            (
                json!({"dpop_bound_access_tokens": "yes"}),
                "invalid_client_metadata",
                "dpop_bound_access_tokens",
            ),
        ] {
            // The limit of registrations is for those that could be; refused ones count too.
            let answer = register(instance, more.clone()).await;
            let refused = answer.is(400);
            assert_eq!(refused["error"], error, "{more}: {refused}");
            assert!(
                text(&refused, "error_description").contains(word),
                "{more}: {refused}"
            );
        }
        for (body, kind) in [
            ("{", "application/json"),
            ("[]", "application/json"),
            ("{}", "a/b"),
        ] {
            let call = call(Method::POST, "/oauth/register").raw(body);
            let refused = instance.send(call.header("content-type", kind)).await;
            assert_eq!(
                refused.is(400)["error"],
                "invalid_client_metadata",
                "{body}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_registration_is_shown_replaced_and_ended_by_its_token_alone() {
    for_each_app_with(&on(), async |instance| {
        let made = register(instance, json!({"tos_uri": "https://app.test/tos"}))
            .await
            .is(201);
        let other = register(instance, json!({})).await.is(201);
        let token = text(&made, "registration_access_token");
        let shown = instance
            .send(manage(Method::GET, &made, token))
            .await
            .is(200);
        let mut expected = made.clone();
        expected.as_object_mut().unwrap().remove("client_secret");
        assert_eq!(shown, expected);

        let foreign = text(&other, "registration_access_token");
        for wrong in [foreign, "crr_x", text(&made, "client_secret")] {
            for method in [Method::GET, Method::PUT, Method::DELETE] {
                let refused = manage(method, &made, wrong).json(&json!({}));
                let refused = instance.send(refused).await;
                assert_eq!(refused.is(401)["error"], "invalid_token");
                let challenge = refused.header("www-authenticate");
                assert!(challenge.starts_with("Bearer "), "{challenge}");
            }
        }
        let put = |body: Value| {
            let body = merged(&json!({"client_id": made["client_id"]}), &body);
            instance.send(manage(Method::PUT, &made, token).json(&body))
        };
        let new = json!({"redirect_uris": ["https://app.test/new"], "client_name": "Diary",
            "grant_types": ["authorization_code", "refresh_token"]});
        let now = put(new).await.is(200);
        assert_eq!(
            (&now["client_name"], &now["redirect_uris"]),
            (&json!("Diary"), &json!(["https://app.test/new"]))
        );
        assert!(now.get("tos_uri").is_none(), "{now}");
        assert_eq!(now["registration_access_token"], token);
        for (wrong, error) in [
            (json!({}), "invalid_redirect_uri"),
            (json!({"redirect_uris": ["x"]}), "invalid_redirect_uri"),
            (
                json!({"redirect_uris": [CALLBACK], "client_id": "cli_x"}),
                "invalid_client_metadata",
            ),
            (
                json!({"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}),
                "invalid_client_metadata",
            ),
        ] {
            assert_eq!(put(wrong).await.is(400)["error"], error);
        }
    })
    .await;
}

#[tokio::test]
async fn an_ended_registration_is_over_for_its_tokens_and_secrets() {
    for_each_app_with(&on(), async |instance| {
        let made = register(instance, json!({})).await.is(201);
        let other = register(instance, json!({})).await.is(201);
        let token = text(&made, "registration_access_token");
        let foreign = text(&other, "registration_access_token");
        let form = format!("token=x&client_id={}", text(&made, "client_id"));
        let ask = || {
            let form = format!("{form}&client_secret={}", text(&made, "client_secret"));
            let form_type = "application/x-www-form-urlencoded";
            instance.send(
                call(Method::POST, "/oauth/introspect")
                    .header("content-type", form_type)
                    .raw(form),
            )
        };
        // The secret is for client_secret_basic alone, but it is known.
        assert!(text(&ask().await.is(401), "error_description").contains("client_secret_basic"));
        let ended = instance.send(manage(Method::DELETE, &made, token)).await;
        assert_eq!((ended.status, &*ended.text), (204, ""));
        instance
            .send(manage(Method::GET, &made, token))
            .await
            .is(401);
        assert!(text(&ask().await.is(401), "error_description").contains("revoked"));
        instance
            .send(manage(Method::GET, &other, foreign))
            .await
            .is(200);
    })
    .await;
}

#[tokio::test]
async fn it_is_there_where_it_is_switched_on() {
    let metadata = "/.well-known/oauth-authorization-server";
    for_each_app(async |instance| {
        register(instance, json!({})).await.is(404);
        instance.send(delete("/oauth/register/cli_x")).await.is(404);
        let told = instance.send(get(metadata)).await.is(200);
        assert!(told.get("registration_endpoint").is_none(), "{told}");
        assert!(told.get("client_id_metadata_document_supported").is_none());
    })
    .await;
    for_each_app_with(&on(), async |instance| {
        let told = instance.send(get(metadata)).await.is(200);
        let at = format!("{}/oauth/register", instance.issuer());
        assert_eq!(told["registration_endpoint"], at);
        let mut last = register(instance, json!({})).await;
        for _ in 0..30 {
            last = register(instance, json!({})).await;
        }
        assert_eq!(last.is(429)["error"], "rate_limited");
        assert!(!last.header("retry-after").is_empty());
        // Where the operator asks for an initial access token.
        let options = Options {
            registration_token: Some(Zeroizing::new("t".repeat(40))),
            ..Options::default()
        };
        let public = router::public(Web::new(instance.app().clone(), options));
        for (sent, status) in [
            (None, 401),
            (Some("u".repeat(40)), 401),
            (Some("t".repeat(40)), 201),
        ] {
            let mut request = Request::post("/oauth/register");
            if let Some(token) = sent {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let body = json!({"redirect_uris": [CALLBACK]}).to_string();
            let request = request.header("content-type", "application/json");
            let request = router::body_limits().guard(request.body(Body::from(body)).unwrap());
            let answer = public.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status().as_u16(), status);
        }
    })
    .await;
}
