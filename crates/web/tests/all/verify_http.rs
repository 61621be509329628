//! `/verify/http`: forward authentication for gateways, on the internal listener.

use claviger_model::Reason::{
    CredentialMissing, EnvironmentMismatch, InsufficientScope, InvalidCredential, IpNotAllowed,
    Malformed, RateLimited, Revoked, RouteUnknown,
};
use serde_json::json;

use super::instance::{for_each_app, text};
use super::requests::{Call, delete, get};

const LIVE: &str = "live.acme.test";
const SANDBOX: &str = "sandbox.acme.test";

fn forwarded(host: &str, method: &str, uri: &str) -> Call {
    get("/verify/http")
        .header("x-forwarded-host", host)
        .header("x-forwarded-method", method)
        .header("x-forwarded-uri", uri)
}

#[tokio::test]
async fn who_may_pass_is_told_to_the_gateway() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        let call = forwarded(LIVE, "GET", "/v1/leads?page=2").by(text(&made, "key"));
        let answer = instance.send_inside(call).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""));
        for (header, expected) in [
            ("claviger-account", instance.account_id().as_str()),
            ("claviger-subject", text(&made, "id")),
            ("claviger-credential", text(&made, "id")),
            ("claviger-kind", "api_key"),
            ("claviger-environment", "live"),
            ("claviger-scopes", "read:leads"),
        ] {
            assert_eq!(answer.header(header), expected, "{header}");
        }
        let found = format!("/v1/decisions?request_id={}", answer.header("request-id"));
        let admin = instance.session("admin").await;
        let found = instance.send(get(&found).by(&admin)).await.is(200);
        assert_eq!(found["data"][0]["path"], "/v1/leads");
    })
    .await;
}

#[tokio::test]
async fn refusals_are_answers_for_the_client() {
    for_each_app(async |instance| {
        let live = instance.key(json!({})).await;
        let test = instance.key(json!({"environment": "test"})).await;
        let (live_key, test_key) = (text(&live, "key"), text(&test, "key"));
        for (call, reason) in [
            (forwarded(LIVE, "GET", "/v1/leads"), CredentialMissing),
            (
                forwarded(LIVE, "GET", "/v1/leads").by("ck_live_x"),
                InvalidCredential,
            ),
            (
                forwarded(LIVE, "POST", "/v1/leads").by(live_key),
                InsufficientScope,
            ),
            (
                forwarded(LIVE, "GET", "/v1//leads").by(live_key),
                RouteUnknown,
            ),
            (
                forwarded(LIVE, "GET", "/v2/leads").by(live_key),
                RouteUnknown,
            ),
            (
                forwarded(SANDBOX, "GET", "/api/v1/leads").by(live_key),
                EnvironmentMismatch,
            ),
            (
                forwarded(LIVE, "GET", "/v1/leads").by(test_key),
                EnvironmentMismatch,
            ),
            (
                forwarded(LIVE, "GET", "/v1/leads")
                    .by(live_key)
                    .by(test_key),
                Malformed,
            ),
            (
                forwarded(LIVE, "GET", &format!("/v1/leads?k={live_key}")),
                CredentialMissing,
            ),
        ] {
            instance.send_inside(call).await.refused(reason);
        }
        let inside = forwarded(SANDBOX, "GET", "/api/v1/leads").by(test_key);
        assert_eq!(instance.send_inside(inside).await.status, 200);
        // A host that no API has stands for the default API.
        for host in ["LIVE.acme.test:443", "elsewhere.test"] {
            let call = forwarded(host, "GET", "/v1/leads").by(live_key);
            assert_eq!(instance.send_inside(call).await.status, 200, "{host}");
        }
        let lacking = forwarded(LIVE, "POST", "/v1/leads").by(live_key);
        let answer = instance.send_inside(lacking).await;
        assert_eq!(
            answer.refused(InsufficientScope)["required_scopes"],
            json!(["write:leads"])
        );
        let challenge = "Bearer error=\"insufficient_scope\", scope=\"write:leads\", \
            resource_metadata=\"https://live.acme.test/.well-known/oauth-protected-resource\"";
        assert_eq!(answer.header("www-authenticate"), challenge);

        let admin = instance.session("admin").await;
        let path = format!("/api/keys/{}", text(&live, "id"));
        instance.send(delete(&path).by(&admin)).await.is(200);
        let revoked = forwarded(LIVE, "GET", "/v1/leads").by(live_key);
        instance.send_inside(revoked).await.refused(Revoked);
    })
    .await;
}

#[tokio::test]
async fn limits_and_networks_hold_at_the_gateway() {
    for_each_app(async |instance| {
        let limit = json!({"limit": 1, "window_seconds": 60});
        let made = instance
            .key(json!({"rate_limit": limit, "allowed_ips": ["192.0.2.1"]}))
            .await;
        let from = |hops: &str| {
            forwarded(LIVE, "GET", "/v1/leads")
                .by(text(&made, "key"))
                .header("x-forwarded-for", hops)
        };
        instance
            .send_inside(from("192.0.2.1, 203.0.113.7"))
            .await
            .refused(IpNotAllowed);
        // A gateway that adds a line instead of an address.
        let lines = from("192.0.2.1").header("x-forwarded-for", "203.0.113.7");
        instance.send_inside(lines).await.refused(IpNotAllowed);
        assert_eq!(
            instance
                .send_inside(from("203.0.113.7, 192.0.2.1"))
                .await
                .status,
            200
        );
        let answer = instance.send_inside(from("192.0.2.1")).await;
        answer.refused(RateLimited);
        let seconds: u32 = answer.header("retry-after").parse().expect("seconds");
        assert!((1..=60).contains(&seconds));
    })
    .await;
}

/// What a client sends as it likes, gateways pass on: bytes that are no text are not "no address",
/// for which no scope is asked.
#[tokio::test]
async fn an_address_that_is_no_text_is_not_taken_for_none() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        let key = text(&made, "key");
        let lacking = || {
            get("/verify/http")
                .header("x-forwarded-proto", "https")
                .by(key)
        };
        for (name, bytes, rest) in [
            (
                "x-forwarded-uri",
                &b"/v1/leads?\xe9"[..],
                [("x-forwarded-host", LIVE), ("x-forwarded-method", "POST")],
            ),
            (
                "x-forwarded-method",
                b"POST\xff",
                [("x-forwarded-host", LIVE), ("x-forwarded-uri", "/v1/leads")],
            ),
            (
                "x-forwarded-host",
                b"live.acme.test\xe9",
                [
                    ("x-forwarded-method", "POST"),
                    ("x-forwarded-uri", "/v1/leads"),
                ],
            ),
        ] {
            let call = rest
                .into_iter()
                .fold(lacking(), |call, (name, value)| call.header(name, value));
            let answer = instance.send_inside(call.bytes_header(name, bytes)).await;
            answer.refused_members(&[name]);
        }
        let call = forwarded(LIVE, "GET", "/v1/leads")
            .by(key)
            .bytes_header("x-forwarded-proto", b"https\xe9");
        let answer = instance.send_inside(call).await;
        answer.refused_members(&["x-forwarded-proto"]);
        // Neither decides here: a user agent is noted, and this key has no networks.
        let call = forwarded(LIVE, "GET", "/v1/leads")
            .by(key)
            .bytes_header("user-agent", b"caf\xe9")
            .bytes_header("x-forwarded-for", b"\xe9");
        assert_eq!(instance.send_inside(call).await.status, 200);
        let bound = instance.key(json!({"allowed_ips": ["192.0.2.1"]})).await;
        let call = forwarded(LIVE, "GET", "/v1/leads")
            .by(text(&bound, "key"))
            .header("x-forwarded-for", "192.0.2.1")
            .bytes_header("x-forwarded-for", b"192.0.2.1\xe9");
        instance.send_inside(call).await.refused(IpNotAllowed);
    })
    .await;
}
