//! `claviger sandbox reset` beside a running server, the demo's sandbox, and what `client show`
//! says of a quota.

use serde_json::json;

use crate::directory::Directory;
use crate::http::{get, post, send};
use crate::program::{Server, run};

/// A client for test data: its id, and a token of it.
async fn test_client(server: &Server, quota: u32) -> (String, String) {
    let settings = json!({"name": "Nightly", "kind": "machine", "environment": "test",
        "scopes": ["read:leads"], "tokens_per_day": quota});
    let url = server.public("/v1/clients");
    let made = post(&url, server.text("/session_token"), &settings).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let asked = json!({"grant_type": "client_credentials", "client_id": made["client_id"],
        "client_secret": made["client_secret"], "audience": "https://api.acme.test"});
    let url = server.public("/oauth/token");
    let token = send("POST", &url, None, Some(&asked))
        .await
        .expect("an answer");
    let token = token.json()["access_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let id = made["id"].as_str().expect("an id").to_owned();
    (id, token)
}

async fn leads(server: &Server, credential: &str) -> (u16, usize) {
    let answer = get(&server.public("/sandbox/v1/leads"), credential).await;
    let rows = match answer.status {
        200 => answer.json()["data"].as_array().map_or(0, Vec::len),
        _ => 0,
    };
    (answer.status, rows)
}

#[tokio::test]
async fn a_reset_beside_the_server_ends_test_tokens_at_once_and_puts_the_demo_back() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let data = directory.path("data");
    let (id, token) = test_client(&server, 5).await;
    let key = server.text("/test_key");
    let body = json!({"name": "Mine"});
    let added = post(&server.public("/sandbox/v1/leads"), key, &body).await;
    assert_eq!(added.status, 201, "{added:?}");
    assert_eq!(leads(&server, &token).await, (200, 3));

    let shown = run(&["client", "show", &id, "--data", &data]).await.done();
    assert!(shown.contains("tokens today: 1 of 5, anew at "), "{shown}");
    let shown = run(&["client", "show", &id, "--json", "--data", &data])
        .await
        .json();
    assert_eq!(
        (&shown["quota"]["used"], &shown["quota"]["remaining"]),
        (&json!(1), &json!(4))
    );

    let done = run(&["sandbox", "reset", "--json", "--data", &data])
        .await
        .json();
    assert_eq!((&done["ok"], &done["clients"]), (&json!(true), &json!(1)));
    assert_eq!(leads(&server, &token).await.0, 401);
    // The key is as it was, and what was added is gone.
    assert_eq!(leads(&server, key).await, (200, 2));
    let live = get(&server.public("/demo/v1/leads"), server.text("/live_key")).await;
    assert_eq!(live.json()["data"].as_array().map(Vec::len), Some(2));
    let audited = [
        "audit",
        "list",
        "--action",
        "sandbox.reset",
        "--json",
        "--data",
        &data,
    ];
    let audited = run(&audited).await.json();
    let actor = audited[0]["actor"].as_str().unwrap_or_default();
    assert!(actor.starts_with("cli:"), "{audited}");
    assert_eq!(audited.as_array().map(Vec::len), Some(1));
    let told = run(&["sandbox", "reset", "--account", "Acme", "--data", &data]).await;
    assert!(told.stderr.contains("the next reset is at"), "{told:?}");
    let none = run(&["sandbox", "reset", "--account", "Nobody", "--data", &data]).await;
    assert_eq!(none.code, 3);
    let url = server.public("/v1/sandbox/reset");
    let by_rest = post(&url, server.text("/session_token"), &json!({})).await;
    assert_eq!(by_rest.status, 200, "{by_rest:?}");
    server.stop().await;
}
