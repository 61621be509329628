//! The metadata of the authorization server and of the resources behind it.

use claviger_service::settings::Settings;
use http::Method;
use serde_json::{Value, json};

use super::{client, form};
use crate::instance::{Instance, for_each_app, for_each_app_with, with_management};
use crate::requests::{Answer, call, get, post};

const SERVER: &str = "/.well-known/oauth-authorization-server";
const RESOURCE: &str = "/.well-known/oauth-protected-resource";

#[tokio::test]
async fn the_document_is_of_the_issuer_and_anybody_may_keep_it() {
    for_each_app(async |instance| {
        let answer = instance.send(get(SERVER)).await;
        let document = answer.is(200);
        assert_eq!(answer.header("content-type"), "application/json");
        assert!(
            answer
                .header("cache-control")
                .starts_with("public, max-age=")
        );
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(document["issuer"], instance.issuer());
        assert!(!instance.issuer().contains(['?', '#']));
        let token = form("/oauth/token", &[]);
        let answer = instance
            .send(token.header("origin", "https://evil.test"))
            .await;
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    })
    .await;
}

#[tokio::test]
async fn it_names_the_endpoints_and_what_they_take() {
    for_each_app(async |instance| {
        let document = instance.send(get(SERVER)).await.is(200);
        let at = |path: &str| json!(format!("{}{path}", instance.issuer()));
        let methods = json!(["client_secret_basic", "client_secret_post"]);
        let with_public = json!(["client_secret_basic", "client_secret_post", "none"]);
        for (member, value) in [
            ("token_endpoint", at("/oauth/token")),
            ("jwks_uri", at("/.well-known/jwks.json")),
            ("introspection_endpoint", at("/oauth/introspect")),
            ("revocation_endpoint", at("/oauth/revoke")),
            (
                "grant_types_supported",
                json!(["client_credentials", "authorization_code", "refresh_token"]),
            ),
            ("token_endpoint_auth_methods_supported", with_public.clone()),
            ("introspection_endpoint_auth_methods_supported", methods),
            ("revocation_endpoint_auth_methods_supported", with_public),
        ] {
            assert_eq!(document[member], value, "{member}");
        }
        let scopes = document["scopes_supported"].as_array().expect("scopes");
        assert!(scopes.contains(&json!("read:leads")), "{document}");
        assert!(!scopes.contains(&json!("keys:read")), "{document}");
        // What is switched off is not named.
        for absent in [
            "pushed_authorization_request_endpoint",
            "device_authorization_endpoint",
        ] {
            assert!(document.get(absent).is_none(), "{absent}");
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_in_it_is_empty_and_every_endpoint_answers() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let document = instance.send(get(SERVER)).await.is(200);
        for (member, value) in document.as_object().expect("an object") {
            let is_empty = value.is_null() || value == "" || *value == json!([]);
            assert!(!is_empty, "{member}");
            let Some(path) = value
                .as_str()
                .and_then(|url| url.strip_prefix(instance.issuer()))
            else {
                continue;
            };
            let method = match member.as_str() {
                "token_endpoint" | "introspection_endpoint" | "revocation_endpoint" => Method::POST,
                _ => Method::GET,
            };
            let answer = instance
                .send(call(method, if path.is_empty() { "/" } else { path }))
                .await;
            assert!(
                ![404, 405, 500].contains(&answer.status),
                "{member}: {answer:?}"
            );
        }
        let supported = document["grant_types_supported"]
            .as_array()
            .expect("grants");
        for grant in [
            "password",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ] {
            assert!(!supported.contains(&json!(grant)));
            let pairs = [("grant_type", grant)];
            let call = form("/oauth/token", &pairs).basic(&client.id, &client.secret);
            instance
                .send(call)
                .await
                .oauth_error(400, "unsupported_grant_type");
        }
    })
    .await;
}

#[tokio::test]
async fn an_issuer_with_a_path_has_its_document_before_and_below_that_path() {
    let settings = Settings {
        public_url: "https://auth.acme.test/t1".to_owned(),
        ..with_management()
    };
    for_each_app_with(&settings, async |instance| {
        for path in [
            "/.well-known/oauth-authorization-server/t1",
            "/.well-known/oauth-authorization-server",
            "/t1/.well-known/oauth-authorization-server",
        ] {
            let document = instance.send(get(path)).await.is(200);
            assert_eq!(document["issuer"], "https://auth.acme.test/t1", "{path}");
            assert_eq!(
                document["token_endpoint"],
                "https://auth.acme.test/t1/oauth/token"
            );
        }
        for path in ["t2", "t1/x", "t", ""] {
            let path = format!("/.well-known/oauth-authorization-server/{path}");
            assert_eq!(instance.send(get(&path)).await.status, 404, "{path}");
        }
        // Everything is served below the path, and without it for a proxy that takes it away.
        let client = client(instance, json!({})).await;
        for path in ["/t1/oauth/token", "/oauth/token"] {
            let pairs = [("grant_type", "client_credentials")];
            let call = form(path, &pairs).basic(&client.id, &client.secret);
            let answer = instance.send(call).await;
            answer.is(200);
            answer.is_not_stored();
        }
        let answer = instance.send(form("/t1/oauth/none", &[])).await;
        answer.oauth_error(404, "invalid_request");
        assert_eq!(
            instance.send(form("/t1x/oauth/token", &[])).await.status,
            404
        );
        for (path, location) in [
            ("/t1", "/t1/sign-in?next=%2F"),
            ("/t1/", "/t1/sign-in?next=%2F"),
            ("/", "/t1/sign-in?next=%2F"),
        ] {
            assert_eq!(instance.send(get(path)).await.header("location"), location);
        }
        let resource = format!("{RESOURCE}/t1");
        let found = of_host(instance, "auth.acme.test", &resource).await.is(200);
        assert_eq!(found["resource"], "https://auth.acme.test/t1");
    })
    .await;
}

#[tokio::test]
async fn an_api_is_described_at_its_own_host_and_at_the_issuers() {
    let settings = Settings {
        public_url: "https://auth.acme.test".to_owned(),
        ..with_management()
    };
    for_each_app_with(&settings, async |instance| {
        let operator = instance.session("operator").await;
        let api = json!({
            "name": "Reports", "audience": "urn:acme:reports", "accepts": ["access_token"],
            "scopes": [{"name": "read:reports", "description": "May read.", "sensitive": false}],
            "live_url": "https://auth.acme.test/reports/v1",
        });
        instance
            .send(post("/v1/apis", &api).by(&operator))
            .await
            .is(201);
        let answer = of_host(
            instance,
            "auth.acme.test",
            &format!("{RESOURCE}/reports/v1"),
        )
        .await;
        let found = answer.is(200);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        let expected = json!({
            "resource": "https://auth.acme.test/reports/v1",
            "authorization_servers": ["https://auth.acme.test"],
            "jwks_uri": "https://auth.acme.test/.well-known/jwks.json",
            "scopes_supported": ["read:reports"],
            "bearer_methods_supported": ["header"],
            "resource_name": "Reports",
            "resource_documentation": "https://auth.acme.test/docs/",
        });
        assert_eq!(found, expected);
        for (host, path, resource) in [
            ("live.acme.test", "", "https://live.acme.test"),
            ("LIVE.acme.test:443", "", "https://live.acme.test"),
            ("sandbox.acme.test", "/api", "https://sandbox.acme.test/api"),
            ("auth.acme.test", "", "https://auth.acme.test"),
            // By an address of the machine, as a health check comes.
            (
                "127.0.0.1:8080",
                "/reports/v1",
                "https://auth.acme.test/reports/v1",
            ),
        ] {
            let found = of_host(instance, host, &format!("{RESOURCE}{path}"))
                .await
                .is(200);
            assert_eq!(found["resource"], resource, "{host}");
        }
        for (host, path) in [
            ("auth.acme.test", "/nothing"),
            ("sandbox.acme.test", "/nothing"),
            ("live.acme.test:8443", ""),
            ("auth.acme.test", "/reports"),
            ("auth.acme.test", "/reports/v1/x"),
        ] {
            let answer = of_host(instance, host, &format!("{RESOURCE}{path}")).await;
            assert_eq!(answer.status, 404, "{host}{path}: {answer:?}");
        }
        let document = instance.send(get(SERVER)).await.is(200);
        let resources = document["protected_resources"]
            .as_array()
            .expect("resources");
        assert!(resources.contains(&json!("https://auth.acme.test/reports/v1")));
        assert!(resources.contains(&json!("https://auth.acme.test")));
    })
    .await;
}

#[tokio::test]
async fn the_issuer_is_a_resource_only_where_management_is_on() {
    for_each_app(async |instance| {
        let answer = of_host(instance, "127.0.0.1:8080", RESOURCE).await;
        assert_eq!(answer.status, 404, "{answer:?}");
        let challenge = instance.send(get("/v1/keys")).await;
        assert_eq!(challenge.header("www-authenticate"), "Bearer");
    })
    .await;
    for_each_app_with(&with_management(), async |instance| {
        let found: Value = of_host(instance, "127.0.0.1:8080", RESOURCE).await.is(200);
        assert_eq!(found["resource"], instance.issuer());
        let scopes = json!(["keys:read", "keys:write", "clients:read", "clients:write"]);
        assert_eq!(found["scopes_supported"], scopes);
        let metadata = format!("resource_metadata=\"{}{RESOURCE}\"", instance.issuer());
        for path in ["/v1/keys", "/v1/clients"] {
            let challenge = instance.send(get(path)).await;
            assert_eq!(
                challenge.header("www-authenticate"),
                format!("Bearer {metadata}")
            );
        }
    })
    .await;
}

async fn of_host(instance: &Instance, host: &str, path: &str) -> Answer {
    instance.send(get(path).header("host", host)).await
}
