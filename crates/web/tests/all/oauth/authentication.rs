//! Who a client is: Basic and body, never both, never in the query; and what a flood of wrong
//! secrets gets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{TestClient, client, form, form_of};
use crate::instance::{Instance, for_each_app, text};
use crate::requests::{Answer, Call, call, patch, post};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");
const ENDPOINTS: [&str; 4] = [
    "/oauth/token",
    "/connect/token",
    "/oauth/introspect",
    "/oauth/revoke",
];

/// A request that is good but for its authentication.
fn unauthenticated(path: &str, more: &[(&str, &str)]) -> Call {
    form(path, &[&[GRANT, ("token", "x")], more].concat())
}

#[tokio::test]
async fn basic_with_a_wrong_secret_is_401_with_a_challenge() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        for path in ENDPOINTS {
            let call = unauthenticated(path, &[]).basic(&client.id, &wrong(&client));
            let answer = instance.send(call).await;
            answer.oauth_error(401, "invalid_client");
            assert!(
                answer
                    .header("www-authenticate")
                    .starts_with("Basic realm=\"")
            );
            // Who used the body is not told about the header; who used nothing is.
            let pair = [("client_id", &*client.id), ("client_secret", "wrong")];
            let in_body = instance.send(unauthenticated(path, &pair)).await;
            in_body.oauth_error(401, "invalid_client");
            assert!(
                !in_body.headers.contains_key("www-authenticate"),
                "{in_body:?}"
            );
            let nothing = instance.send(unauthenticated(path, &[])).await;
            nothing.oauth_error(401, "invalid_client");
            assert!(
                nothing.headers.contains_key("www-authenticate"),
                "{nothing:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_wrong_secret_and_an_unknown_client_get_the_same_401() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let other = super::client(instance, json!({})).await;
        let unknown = "cli_00000000000000000000000000";
        for path in ENDPOINTS {
            let mut answers: Vec<Answer> = Vec::new();
            for (id, secret) in [
                (&*client.id, &*wrong(&client)),
                (&client.id, &other.secret),
                (&client.id, "guess"),
                (unknown, &client.secret),
                ("somebody", "guess"),
                (&client.id, &client.id),
            ] {
                let pair = [("client_id", id), ("client_secret", secret)];
                answers.push(instance.send(unauthenticated(path, &pair)).await);
                answers.push(
                    instance
                        .send(unauthenticated(path, &[]).basic(id, secret))
                        .await,
                );
            }
            answers[0].oauth_error(401, "invalid_client");
            for answer in &answers {
                assert_eq!((answer.status, &answer.text), (401, &answers[0].text));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn two_ways_of_authenticating_in_one_request_are_invalid() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let (id, secret) = (
            ("client_id", &*client.id),
            ("client_secret", &*client.secret),
        );
        let assertion = ("client_assertion", "eyJ");
        for path in ENDPOINTS {
            for call in [
                unauthenticated(path, &[id, secret]).basic(&client.id, &client.secret),
                unauthenticated(path, &[secret]).basic(&client.id, &client.secret),
                unauthenticated(path, &[id, secret]).header("authorization", "Bearer x"),
                unauthenticated(path, &[assertion]).basic(&client.id, &client.secret),
                unauthenticated(path, &[id, secret, assertion]),
                unauthenticated(path, &[])
                    .basic(&client.id, &client.secret)
                    .basic(&client.id, &client.secret),
            ] {
                instance
                    .send(call)
                    .await
                    .oauth_error(400, "invalid_request");
            }
            // The id alone is no second way.
            let call = unauthenticated(path, &[id]).basic(&client.id, &client.secret);
            assert_eq!(instance.send(call).await.status, 200, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_secret_in_the_query_string_is_rejected() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let pair = [
            ("client_id", &*client.id),
            ("client_secret", &*client.secret),
        ];
        for path in ENDPOINTS {
            for query in [
                format!("client_id={}&client_secret={}", client.id, client.secret),
                format!("client_id={}", client.id),
                format!("x={}", client.secret),
                "client%5Fsecret=x".to_owned(),
            ] {
                let at = format!("{path}?{query}");
                for call in [unauthenticated(&at, &pair), unauthenticated(&at, &[])] {
                    let answer = instance.send(call).await;
                    answer.oauth_error(400, "invalid_request");
                    assert!(!answer.text.contains(&client.secret));
                }
            }
            let at = format!("{path}?utm_source=x");
            assert_eq!(instance.send(unauthenticated(&at, &pair)).await.status, 200);
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_sends_its_id_alone_is_401() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        for path in ENDPOINTS {
            for more in [
                &[("client_id", &*client.id)][..],
                &[("client_id", &client.id), ("client_secret", "")],
                &[("client_secret", &client.secret)],
                &[],
            ] {
                let answer = instance.send(unauthenticated(path, more)).await;
                answer.oauth_error(401, "invalid_client");
            }
            for header in [
                "Basic",
                "Basic !",
                "Bearer x",
                "Digest x",
                "Basic bm9jb2xvbg==",
            ] {
                let call = unauthenticated(path, &[]).header("authorization", header);
                instance.send(call).await.oauth_error(401, "invalid_client");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_body_client_id_that_is_not_the_authenticated_client_is_invalid() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let other = super::client(instance, json!({})).await;
        for path in ENDPOINTS {
            let call = unauthenticated(path, &[("client_id", &other.id)])
                .basic(&client.id, &client.secret);
            instance
                .send(call)
                .await
                .oauth_error(400, "invalid_request");
        }
    })
    .await;
}

#[tokio::test]
async fn basic_is_percent_decoded() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let every: Vec<String> = client.secret.bytes().map(|b| format!("%{b:02x}")).collect();
        let every = every.concat();
        let pair = STANDARD.encode(format!("{}:{every}", client.id));
        let header = format!("bAsIc {pair}");
        let call = unauthenticated("/oauth/token", &[]).header("authorization", &header);
        instance.send(call).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn a_client_may_be_held_to_one_way_of_authenticating() {
    for_each_app(async |instance| {
        let method = |method: &str| json!({"token_endpoint_auth_method": method});
        let basic = client(instance, method("client_secret_basic")).await;
        let post = client(instance, method("client_secret_post")).await;
        let by_header = |client: &TestClient| {
            unauthenticated("/oauth/token", &[]).basic(&client.id, &client.secret)
        };
        instance.send(by_header(&basic)).await.is(200);
        instance.send(post.form(&[])).await.is(200);
        let told = instance
            .send(basic.form(&[]))
            .await
            .oauth_error(401, "invalid_client");
        assert!(told.contains("client_secret_basic"), "{told}");
        let told = instance.send(by_header(&post)).await;
        assert!(
            told.oauth_error(401, "invalid_client")
                .contains("client_secret_post")
        );
    })
    .await;
}

#[tokio::test]
async fn whoever_has_a_right_secret_that_ended_is_told_so() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let told = async |client: &TestClient| {
            let answer = instance.send(client.form(&[])).await;
            answer.oauth_error(401, "invalid_client")
        };
        let client = client(instance, json!({})).await;
        let path = format!("/v1/clients/{}/secrets", client.id);
        let expires = json!({"expires_at": instance.now() + 60_000});
        let second = instance
            .send(post(&path, &expires).by(&admin))
            .await
            .is(201);
        let second = TestClient {
            id: client.id.clone(),
            secret: text(&second, "client_secret").to_owned(),
            secret_id: text(&second, "id").to_owned(),
        };
        let token = second.token(instance).await;
        instance.pass(61_000).await;
        assert!(told(&second).await.contains("expired"));
        // What it got before goes on.
        instance.check(&token, json!({}), "allowed").await;
        client.token(instance).await;

        client.revoke_secret(instance).await;
        assert!(told(&client).await.contains("revoked"));

        let deleted = super::client(instance, json!({})).await;
        deleted.delete(instance).await;
        assert!(told(&deleted).await.contains("deleted"));

        let suspended = super::client(instance, json!({})).await;
        set_account(instance, "suspended").await;
        assert!(told(&suspended).await.contains("account"));
        set_account(instance, "active").await;
        suspended.token(instance).await;
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_wrong_secrets_is_slowed_and_locks_nobody_out() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let wrong = wrong(&client);
        let guess = |from: &str| {
            unauthenticated("/oauth/token", &[])
                .basic(&client.id, &wrong)
                .header("x-forwarded-for", from)
        };
        let mut limited = 0;
        for _ in 0..500 {
            // What a client writes into the header is not believed: it is one address.
            let answer = instance.send(guess("192.0.2.1")).await;
            if answer.status == 429 {
                limited += 1;
                answer.oauth_error(429, "rate_limited");
                let seconds: u32 = answer.header("retry-after").parse().expect("seconds");
                assert!(seconds > 0);
            } else {
                answer.oauth_error(401, "invalid_client");
            }
            if limited % 50 == 1 {
                client.token(instance).await;
            }
        }
        assert!(limited > 400, "{limited}");
        client.token(instance).await;
    })
    .await;
}

#[tokio::test]
async fn bodies_that_are_no_form_and_no_json_are_told_what_to_send() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let body = format!(
            "grant_type=client_credentials&token=x&client_id={}&client_secret={}",
            client.id, client.secret
        );
        for path in ENDPOINTS {
            let bare = || call(http::Method::POST, path).raw(body.as_str());
            for other in [
                "text/plain",
                "multipart/form-data; boundary=x",
                "application/xml",
            ] {
                let answer = instance.send(bare().header("content-type", other)).await;
                let told = answer.oauth_error(415, "invalid_request");
                assert!(told.contains("x-www-form-urlencoded"), "{told}");
            }
            let told = instance
                .send(bare())
                .await
                .oauth_error(400, "invalid_request");
            assert!(told.contains("Content-Type"), "{told}");
            let charset = "application/x-www-form-urlencoded; charset=UTF-8";
            let answer = instance.send(bare().header("content-type", charset)).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let large = form_of(path, &format!("{body}&x={}", "x".repeat(70_000)));
            instance
                .send(large)
                .await
                .oauth_error(413, "invalid_request");
        }
    })
    .await;
}

/// A secret of the right shape that is nobody's.
fn wrong(client: &TestClient) -> String {
    let mut secret = client.secret.clone();
    let last = secret.pop();
    secret.push(if last == Some('0') { '1' } else { '0' });
    secret
}

async fn set_account(instance: &Instance, status: &str) {
    let operator = instance.session("operator").await;
    let path = format!("/v1/accounts/{}", instance.account_id());
    let body = json!({"status": status});
    instance
        .send(patch(&path, &body).by(&operator))
        .await
        .is(200);
}
