//! The edge of the router: ids, headers, renderings, and what is refused whatever the route.

use claviger_model::Reason::{
    self, CredentialMissing, InvalidCredential, Malformed, MethodNotAllowed, NotFound, Stale,
};
use http::Method;
use serde_json::json;

use super::instance::{for_each_app, text};
use super::requests::{call, delete, get, post};

#[tokio::test]
async fn every_answer_has_an_id_and_tells_browsers_to_be_careful() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let mut ids = std::collections::BTreeSet::new();
        for call in [
            get("/v1/whoami").by(&admin),
            get("/v1/whoami"),
            get("/nothing"),
            get("/openapi.json"),
            post("/v1/sessions", &json!({})),
            get("/v1/whoami")
                .by(&admin)
                .header("request-id", "req_00000000000000000000000000"),
        ] {
            let answer = instance.send(call).await;
            assert!(
                ids.insert(answer.header("request-id").to_owned()),
                "{answer:?}"
            );
            assert!(answer.header("request-id").starts_with("req_"));
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("referrer-policy"), "no-referrer");
            assert_eq!(answer.header("cache-control"), "no-store");
            assert!(
                answer
                    .header("content-security-policy")
                    .starts_with("default-src 'none'")
            );
        }
    })
    .await;
}

#[tokio::test]
async fn unknown_paths_and_methods() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        for path in [
            "/nothing",
            "/v1/nothing",
            "/api/keys/",
            "/api//keys",
            "/API/keys",
            "/api/keys/../keys",
            "/api/%6beys",
            "/api/keys;x",
            "/v1/apis/x/export",
            "/.well-known/nothing",
        ] {
            instance.send(get(path)).await.refused(NotFound);
            instance.send(get(path).by(&admin)).await.refused(NotFound);
        }
        for (method, path) in [
            (Method::PUT, "/api/keys"),
            (Method::DELETE, "/api/keys"),
            (Method::PUT, "/v1/sessions"),
            (Method::GET, "/v1/invitations/accept"),
            (Method::TRACE, "/v1/whoami"),
        ] {
            let answer = instance.send(call(method.clone(), path).by(&admin)).await;
            let expected = if path.ends_with("accept") {
                [MethodNotAllowed, NotFound]
            } else {
                [MethodNotAllowed; 2]
            };
            assert!(
                expected
                    .iter()
                    .any(|one| answer.status == one.refusal().status),
                "{method} {path}"
            );
        }
        let answer = instance
            .send(call(Method::PUT, "/api/keys").by(&admin))
            .await;
        answer.refused(MethodNotAllowed);
        assert_eq!(answer.header("allow"), "GET,HEAD,POST");
    })
    .await;
}

#[tokio::test]
async fn a_page_for_whoever_asks_for_one() {
    for_each_app(async |instance| {
        let html = "text/html,application/xhtml+xml";
        let page = instance
            .send(get("/%3Cscript%3E").header("accept", html))
            .await;
        assert_eq!(page.status, 404);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(
            page.text.contains("<h1>") && !page.text.contains("<script>"),
            "{}",
            page.text
        );
        assert!(page.text.contains(page.header("request-id")));
        let program = instance
            .send(get("/v1/nothing").header("accept", html))
            .await;
        program.refused(NotFound);
    })
    .await;
}

#[tokio::test]
async fn one_credential_in_one_header() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let made = instance.key(json!({})).await;
        let key = text(&made, "key");
        let scheme = |value: &str| get("/api/keys").header("authorization", value);
        for (call, reason) in [
            (get("/api/keys").by(&admin).by(&admin), Malformed),
            (
                scheme(&format!("Bearer {admin}, Bearer {admin}")),
                Malformed,
            ),
            (scheme(&admin), CredentialMissing),
            (scheme(&format!("Basic {admin}")), CredentialMissing),
            (scheme("Bearer "), CredentialMissing),
            (scheme("Bearer ses_\u{e9}"), CredentialMissing),
            (
                get(&format!("/api/keys?access_token={admin}")),
                CredentialMissing,
            ),
            (
                get(&format!("/api/keys?x={key}")).by(&admin),
                CredentialMissing,
            ),
            (
                get(&format!("/v1/keys?token={key}")).by(&admin),
                CredentialMissing,
            ),
            (get("/api/keys").by(&"x".repeat(5_000)), InvalidCredential),
        ] {
            let error = instance.send(call).await.refused(reason);
            assert!(!error.to_string().contains(&admin) && !error.to_string().contains(key));
        }
        instance
            .send(scheme(&format!("bearer {admin}")))
            .await
            .is(200);
    })
    .await;
}

#[tokio::test]
async fn an_absent_body_is_an_empty_one() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let bare = call(Method::POST, "/api/keys").by(&admin);
        instance
            .send(bare)
            .await
            .refused_members(&["name", "scopes"]);
        let made = instance.key(json!({})).await;
        let path = format!("/api/keys/{}", text(&made, "id"));
        instance.send(delete(&path).by(&admin)).await.is(200);
        let unknown = delete(&path).by(&admin).json(&json!({"why": "x"}));
        instance.send(unknown).await.refused_members(&["why"]);
    })
    .await;
}

#[tokio::test]
async fn a_node_that_does_not_know_decides_nothing() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let made = instance.key(json!({})).await;
        instance.app().close().await;
        let question = json!({"credential": made["key"]});
        let answer = instance.send_inside(post("/v1/verify", &question)).await;
        let decision = answer.is(503);
        assert_eq!(
            (&decision["allowed"], &decision["reason"]),
            (&json!(false), &json!("stale"))
        );
        assert_eq!(answer.header("retry-after"), "1");
        instance
            .send(get("/demo/v1/leads").by(text(&made, "key")))
            .await
            .refused(Stale);
        instance
            .send(get("/api/keys").by(&admin))
            .await
            .refused(Stale);
        let ready = instance.send_inside(get("/readyz")).await;
        assert_eq!(
            (ready.status, &ready.json()["reason"]),
            (503, &json!("stale"))
        );
        assert_eq!(instance.send_inside(get("/healthz")).await.status, 200);
        let body = json!({"email": "admin@acme.test", "password": "x"});
        instance
            .send(post("/v1/sessions", &body))
            .await
            .refused(Reason::Storage);
    })
    .await;
}
