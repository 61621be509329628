//! Apps that somebody else's library speaks OAuth for, against the program itself, with a person
//! who signs in and allows them in a real browser.
//!
//! The programs in `e2e/apps` take the same steps in every way that their library has: with a
//! secret, as a public client, with pushed requests, bound to a key, with a key of their own. What
//! one sees, all must see.

use serde_json::{Value, json};

use crate::directory::Directory;
use crate::http::post;
use crate::person::{Person, Talk};
use crate::program::Server;

const APPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../e2e/apps/");
const NODE: &str = "CLAVIGER_TEST_NODE";
const PYTHON: &str = "CLAVIGER_TEST_PYTHON";
/// Where the browser is sent; nobody needs to be there.
pub(crate) const REDIRECT_URI: &str = "https://app.example/callback";

#[tokio::test]
async fn oauth4webapi_acts_for_a_user_in_every_way() {
    let ways = ["secret", "public", "pushed", "key", "registered", "device"];
    let bound = ["bound", "pushed_and_bound"];
    check(NODE, "with_oauth4webapi.mjs", &ways, &bound).await;
}

#[tokio::test]
async fn openid_client_acts_for_a_user_in_every_way() {
    let ways = ["secret", "public", "pushed", "key", "registered", "device"];
    let bound = ["bound", "pushed_and_bound"];
    check(NODE, "with_openid_client.mjs", &ways, &bound).await;
}

#[tokio::test]
async fn authlib_acts_for_a_user() {
    check(PYTHON, "with_authlib.py", &["secret", "public", "key"], &[]).await;
}

#[tokio::test]
async fn requests_oauthlib_acts_for_a_user() {
    check(
        PYTHON,
        "with_requests_oauthlib.py",
        &["secret", "public"],
        &[],
    )
    .await;
}

/// What of the demo user an app is given in each of the ways.
async fn check(runtime: &str, program: &str, ways: &[&str], bound: &[&str]) {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let mut facts = converse(&server, runtime, program).await;
    let facts = facts.as_object_mut().unwrap();
    for (ways, token_type) in [(ways, "bearer"), (bound, "dpop")] {
        for way in ways {
            let seen = facts.remove(*way);
            assert_eq!(seen, Some(expected(token_type)), "{program}: {way}");
        }
    }
    assert!(facts.is_empty(), "{facts:?}");
}

fn expected(token_type: &str) -> Value {
    let granted = json!({
        "scope": ["read:leads", "write:leads"],
        "expires_in": 3600,
        "type": token_type,
        "has_refresh_token": true,
    });
    json!({
        "first": granted,
        "used": 200,
        "second": granted,
        "used_again": 200,
        "after_revocation": 401,
    })
}

/// Speaks with a program until it tells its facts; does what it asks for.
async fn converse(server: &Server, runtime: &str, program: &str) -> Value {
    let mut person = person(server).await;
    let mut talk = Talk::start(runtime, &format!("{APPS}{program}"));
    talk.say(&given(server).await).await;
    loop {
        let said = talk.hear().await;
        if let Some(facts) = said.get("facts") {
            return facts.clone();
        }
        let asked = &said["ask"];
        let answer = if let Some(url) = asked["open"].as_str() {
            json!(person.allow(url, REDIRECT_URI).await)
        } else if let Some(url) = asked["confirm"].as_str() {
            person.visit(url, &["Continue", "Allow"]).await;
            json!(null)
        } else {
            let register = json!({
                "redirect_uris": [REDIRECT_URI],
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks": {"keys": [asked["register"]]},
            });
            create_app(server, &register).await
        };
        talk.say(&answer).await;
    }
}

/// The user of `claviger dev`.
pub(crate) async fn person(server: &Server) -> Person {
    Person::new(server.text("/user/email"), server.text("/user/password")).await
}

/// What a program reads.
async fn given(server: &Server) -> Value {
    let redirect = json!({"redirect_uris": [REDIRECT_URI]});
    let public = json!({"redirect_uris": [REDIRECT_URI], "public": true});
    let device = json!({
        "public": true,
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
    });
    json!({
        "issuer": server.text("/public_url"),
        "demo_url": server.text("/api/demo_url"),
        "redirect_uri": REDIRECT_URI,
        "app": create_app(server, &redirect).await,
        "public": create_app(server, &public).await,
        "device": create_app(server, &device).await,
    })
}

/// Makes an app that may ask users for leads; the answer.
pub(crate) async fn create_app(server: &Server, members: &Value) -> Value {
    let mut body = json!({
        "name": "A foreign app",
        "kind": "app",
        "scopes": ["read:leads", "write:leads"],
    });
    let members = members.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(members);
    let clients = server.public("/v1/clients");
    let made = post(&clients, server.text("/session_token"), &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json()
}
