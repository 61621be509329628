//! Apps that run in a browser: which pages may read the answers.

use http::Method;
use serde_json::json;

use super::super::form;
use super::{Kind, both_kinds};
use crate::instance::{Instance, for_each_app, text};
use crate::requests::{Answer, call, delete};

const PAGE: &str = "https://app.example";
const ALLOWED: &str = "access-control-allow-origin";

async fn preflight(instance: &Instance, path: &str, origin: &str) -> Answer {
    let question = call(Method::OPTIONS, path)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type");
    instance.send(question).await
}

#[tokio::test]
async fn a_page_of_the_public_client_that_asks_reads_the_answer() {
    for_each_app(async |instance| {
        let [secret, public] = both_kinds(instance).await;
        for (origin, is_own) in [
            (PAGE, true),
            ("http://127.0.0.1:5173", true),
            ("https://evil.example", false),
            ("http://app.example", false),
            ("https://app.example:8443", false),
            ("null", false),
        ] {
            for (app, may_read) in [(&public, is_own), (&secret, false)] {
                let tokens = app.tokens(instance, "read:leads").await;
                let token = [("token", text(&tokens, "access_token"))];
                for call in [
                    app.refresh(&tokens),
                    app.ask(&[("grant_type", "refresh_token"), ("refresh_token", "crt_x")]),
                    app.send_to("/oauth/revoke", &token),
                ] {
                    let answer = instance.send(call.header("origin", origin)).await;
                    let allowed = answer.headers.get(ALLOWED);
                    assert_eq!(allowed.is_some(), may_read, "{origin}: {answer:?}");
                    assert!(allowed.is_none_or(|allowed| allowed == origin));
                    assert_eq!(answer.header("vary"), "origin");
                    assert!(
                        !answer
                            .headers
                            .contains_key("access-control-allow-credentials")
                    );
                }
            }
        }
        // Nobody says who asks.
        let call = form("/oauth/token", &[("grant_type", "x")]).header("origin", PAGE);
        assert!(!instance.send(call).await.headers.contains_key(ALLOWED));
    })
    .await;
}

#[tokio::test]
async fn a_browser_that_asks_before_is_told_whether_a_public_client_has_the_origin() {
    for_each_app(async |instance| {
        let secret = Kind::default().make(instance).await;
        let answer = preflight(instance, "/oauth/token", PAGE).await;
        assert!(!answer.headers.contains_key(ALLOWED), "{answer:?}");
        let apps = [
            Kind::public().make(instance).await,
            Kind::public().make(instance).await,
        ];
        for path in ["/oauth/token", "/connect/token", "/oauth/revoke"] {
            let answer = preflight(instance, path, PAGE).await;
            assert_eq!((answer.status, answer.header(ALLOWED)), (204, PAGE));
            assert_eq!(answer.header("access-control-allow-methods"), "POST");
            let headers = answer.header("access-control-allow-headers");
            assert_eq!(headers, "authorization, content-type, dpop");
            let answer = preflight(instance, path, "https://evil.example").await;
            assert!(!answer.headers.contains_key(ALLOWED), "{answer:?}");
        }
        for path in ["/oauth/authorize", "/oauth/introspect"] {
            let answer = preflight(instance, path, PAGE).await;
            assert!(!answer.headers.contains_key(ALLOWED), "{path}: {answer:?}");
        }
        // When the last one is gone, so is the origin.
        let admin = instance.session("admin").await;
        for (app, is_left) in apps.iter().zip([true, false]) {
            let path = format!("/v1/clients/{}", json!(app.id).as_str().unwrap());
            instance.send(delete(&path).by(&admin)).await.is(200);
            let answer = preflight(instance, "/oauth/token", PAGE).await;
            assert_eq!(answer.headers.contains_key(ALLOWED), is_left, "{answer:?}");
        }
        drop(secret);
    })
    .await;
}
