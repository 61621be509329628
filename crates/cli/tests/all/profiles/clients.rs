//! Documents 000 and 001 and the tokens of 004: an id and a secret become a token.

use serde_json::{Value, json};

use super::instance::{Client, PUBLIC_URL, Profile, text};
use crate::http::Answer;

/// The token of an answer that has one.
fn token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    text(&answer.json(), "access_token").to_owned()
}

/// Header and claims of a JWT, which nobody has verified here.
pub(super) fn decoded(token: &str) -> (Value, Value) {
    let parts: Vec<Value> = token
        .split('.')
        .take(2)
        .map(|part| serde_json::from_slice(&base64(part)).unwrap())
        .collect();
    let [header, claims] = <[Value; 2]>::try_from(parts).unwrap();
    (header, claims)
}

/// The bytes of unpadded base64url.
fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0_u32);
    for letter in text.bytes() {
        let digit = ALPHABET.iter().position(|known| *known == letter).unwrap();
        bits = bits << 6 | u32::try_from(digit).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}

#[tokio::test]
async fn document_000_any_active_secret_of_a_key_id_gets_a_token_for_every_api() {
    let profile = Profile::start("000").await;
    let offer = profile.offer().await;
    assert_eq!(offer["credentials"]["kinds"], json!(["access_token"]));
    let labels = ["clients", "client_id", "client_secret"].map(|name| &offer["labels"][name]);
    assert_eq!(labels, ["API Keys", "Key ID", "Shared secret"]);
    let body = json!({"name": "Automation", "kind": "machine", "scopes": "all"});
    let Client { id, secret } = profile.client(&body).await;

    // The Key ID can be seen at any time, the secret never again.
    let shown = profile.get(&format!("/v1/clients/{id}")).await;
    assert_eq!(shown.json()["client_id"], json!(id));
    assert!(!shown.body.contains(&secret));

    // A later secret has a description and an end.
    let secrets = format!("/v1/clients/{id}/secrets");
    let body = json!({"description": "Build server", "expires_at": 4_102_444_800_000_i64});
    let second = profile.post(&secrets, &body).await;
    assert_eq!(second.status, 201, "{second:?}");
    let second = second.json();

    let ask = async |secret: &str| {
        let members = [
            ("grant_type", "client_credentials"),
            ("client_id", &*id),
            ("client_secret", secret),
        ];
        profile.form("/connect/token", &members).await
    };
    let mut tokens = Vec::new();
    for secret in [&*secret, text(&second, "client_secret")] {
        let answer = ask(secret).await;
        let token = token(&answer);
        let mut shape = answer.json();
        shape["access_token"] = json!("BEARER_TOKEN");
        let printed = json!({"access_token": "BEARER_TOKEN", "expires_in": 3600,
            "token_type": "Bearer", "scope": ""});
        assert_eq!(shape, printed);
        for path in ["billing/v1/invoices", "service/v1/tickets"] {
            let call = format!("GET api.example.com/{path}");
            let answer = profile.call(&call, &token).await;
            assert_eq!(answer.status, 200, "{call}: {answer:?}");
        }
        tokens.push(token);
    }
    let (_, claims) = decoded(&tokens[0]);
    assert_eq!(claims["aud"].as_array().map(Vec::len), Some(2));

    // One secret is revoked alone; deleting the key revokes the rest with it.
    let call = "GET api.example.com/billing/v1/invoices";
    let revoked = profile
        .delete(&format!("{secrets}/{}", text(&second, "id")))
        .await;
    assert_eq!(revoked.json(), json!({"ok": true}));
    let refused = ask(text(&second, "client_secret")).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (401, &json!("invalid_client"))
    );
    assert_eq!(profile.call(call, &tokens[1]).await.status, 401);
    assert_eq!(profile.call(call, &tokens[0]).await.status, 200);
    profile.delete(&format!("/v1/clients/{id}")).await;
    assert_eq!(ask(&secret).await.status, 401);
    assert_eq!(profile.call(call, &tokens[0]).await.status, 401);
}

/// What a client sends for version 2 of the API.
fn v2_request<'a>(id: &'a str, secret: &'a str) -> [(&'static str, &'a str); 4] {
    [
        ("client_id", id),
        ("client_secret", secret),
        ("audience", "https://api.example.com/v2"),
        ("grant_type", "client_credentials"),
    ]
}

/// The quota of an answer: what is left of the day.
fn remaining(answer: &Answer) -> u32 {
    let header = answer.header("ratelimit").unwrap();
    let mut members = header.split(';');
    members
        .find_map(|m| m.strip_prefix("r=")?.parse().ok())
        .unwrap()
}

#[tokio::test]
async fn document_001_credentials_reach_their_resources_for_a_day() {
    let profile = Profile::start("001").await;
    let offer = profile.offer().await;
    assert_eq!(offer["tokens"]["per_day"], 10);
    assert_eq!(offer["labels"]["create_client"], "Create API credentials");
    let body = json!({"name": "Partner", "kind": "machine", "scopes": ["jobs"]});
    let Client { id, secret } = profile.client(&body).await;
    let members = v2_request(&id, &secret);
    let answer = profile.json("/oauth/token", &members).await;
    let token = token(&answer);
    let (header, claims) = decoded(&token);
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&json!("RS256"), &json!("at+jwt"))
    );
    let expected = [
        ("iss", json!(PUBLIC_URL)),
        ("sub", json!(format!("{id}@clients"))),
        ("aud", json!("https://api.example.com/v2")),
        ("azp", json!(id)),
        ("gty", json!("client-credentials")),
    ];
    for (name, value) in expected {
        assert_eq!(claims[name], value, "{name}");
    }
    let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(lifetime, 86_400);

    // The chosen resource, another one, and the version that takes no tokens.
    let call = async |path: &str| {
        profile
            .call(&format!("GET api.example.com/{path}"), &token)
            .await
    };
    assert_eq!(call("v2/jobs/7").await.status, 200);
    let beyond = call("v2/customers").await;
    assert_eq!(
        (beyond.status, &*beyond.reason()),
        (403, "insufficient_scope")
    );
    let old = call("v1/jobs").await;
    assert_eq!((old.status, &*old.reason()), (403, "kind_not_accepted"));
}

#[tokio::test]
async fn document_001_gives_ten_tokens_a_day_and_knows_it_after_a_restart() {
    let profile = Profile::start("001").await;
    let body = json!({"name": "Partner", "kind": "machine", "scopes": ["jobs"]});
    let Client { id, secret } = profile.client(&body).await;
    let members = v2_request(&id, &secret);
    // The last ten: the day may have changed after the first.
    let mut left = Vec::new();
    let mut last = String::new();
    let refused = loop {
        let answer = profile.json("/oauth/token", &members).await;
        if answer.status != 200 {
            break answer;
        }
        left.push(remaining(&answer));
        last = token(&answer);
        assert!(left.len() <= 20, "{left:?}");
    };
    assert_eq!(left[left.len() - 10..], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (429, &json!("quota_exhausted"))
    );
    let seconds: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=86_400).contains(&seconds), "{seconds}");
    let call = profile.call("GET api.example.com/v2/jobs", &last).await;
    assert_eq!(
        call.status, 200,
        "the tokens that there are go on: {call:?}"
    );
    let profile = profile.restart().await;
    let answer = profile.json("/oauth/token", &members).await;
    // Unless the day has changed since.
    assert!(
        answer.status == 429 || remaining(&answer) == 9,
        "{answer:?}"
    );
}

#[tokio::test]
async fn document_001_credentials_need_an_active_account() {
    let profile = Profile::start("001").await;
    let body = json!({"name": "Partner", "kind": "machine", "scopes": ["jobs"]});
    let Client { id, secret } = profile.client(&body).await;
    let members = v2_request(&id, &secret);
    let token = token(&profile.json("/oauth/token", &members).await);
    profile.suspend().await;
    let refused = profile.call("GET api.example.com/v2/jobs", &token).await;
    assert_eq!(
        (refused.status, &*refused.reason()),
        (401, "account_inactive")
    );
    let refused = profile.json("/oauth/token", &members).await;
    assert_ne!(refused.status, 200, "{refused:?}");
}

#[tokio::test]
async fn document_004_tokens_are_rs256_and_live_for_an_hour() {
    let profile = Profile::start("004").await;
    for (environment, host) in [("live", "api"), ("test", "api.sandbox")] {
        let body = json!({"name": "Backend", "kind": "machine", "environment": environment,
            "scopes": ["read:leads", "write:leads"]});
        let Client { id, secret } = profile.client(&body).await;
        let members = [
            ("grant_type", "client_credentials"),
            ("client_id", &*id),
            ("client_secret", &*secret),
            ("scope", "read:leads write:leads"),
        ];
        let answer = profile.json("/oauth/token", &members).await;
        let token = token(&answer);
        let answer = answer.json();
        assert_eq!(
            (&answer["token_type"], &answer["expires_in"]),
            (&json!("Bearer"), &json!(3600))
        );
        assert_eq!(answer["scope"], "read:leads write:leads");
        assert!(token.starts_with("eyJ"));
        assert_eq!(decoded(&token).0["alg"], "RS256");
        for (at, status) in [("api", 200), ("api.sandbox", 200)] {
            let answer = profile
                .call(&format!("GET {at}.example.com/v1/leads"), &token)
                .await;
            let status = if at == host { status } else { 403 };
            assert_eq!(answer.status, status, "{environment} {at}: {answer:?}");
        }
        let beyond = profile
            .call(&format!("GET {host}.example.com/v1/agents"), &token)
            .await;
        assert_eq!(beyond.status, 403);
        assert_eq!(beyond.json()["error"]["code"], "FORBIDDEN");
        let damaged = format!("{}x", &token[..token.len() - 1]);
        let damaged = profile
            .call(&format!("GET {host}.example.com/v1/leads"), &damaged)
            .await;
        assert_eq!(damaged.status, 401);
        assert_eq!(damaged.json()["error"]["code"], "UNAUTHORIZED");
    }
}
