//! Legacy keys over the real binary: the command, and the old versions of the demo API.

use serde_json::json;

use crate::directory::Directory;
use crate::http::{Answer, get, post, send};
use crate::program::{Server, run};

/// Status, reason where it is refused, and whether the answer says that legacy keys are deprecated.
fn told(answer: &Answer) -> (u16, String, bool) {
    let reason = match answer.status {
        200 => String::new(),
        _ => answer.reason(),
    };
    let since = answer.header("deprecation");
    assert!(
        since.is_none_or(|since| since == "@1735689600"),
        "{answer:?}"
    );
    (answer.status, reason, since.is_some())
}

/// An access token of the demo's client for whatever it reaches.
async fn token(server: &Server) -> String {
    let body = json!({
        "grant_type": "client_credentials",
        "client_id": server.text("/client/client_id"),
        "client_secret": server.text("/client/client_secret"),
    });
    let url = server.public("/oauth/token");
    let answer = send("POST", &url, None, Some(&body)).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_old_versions_of_the_demo_take_what_they_say() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let url = server.public("/v1/legacy-key");
    let made = post(&url, server.text("/session_token"), &json!({})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let key = made.json()["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("cl_"), "it has the prefix of its kind");
    let token = token(&server).await;
    let not_accepted = |deprecated| (403, "kind_not_accepted".to_owned(), deprecated);
    let passes = |deprecated| (200, String::new(), deprecated);
    let cases = [
        ("/demo/old/v1/people", &*key, passes(true)),
        ("/demo/old/v2/people", &key, passes(true)),
        ("/demo/v1/people", &key, passes(true)),
        ("/demo/v1/leads", &key, passes(true)),
        ("/demo/old/v1/people", &token, not_accepted(false)),
        ("/demo/old/v2/people", &token, passes(false)),
        ("/demo/v1/people", &token, passes(false)),
        (
            "/demo/old/v1/people",
            server.text("/live_key"),
            not_accepted(false),
        ),
        (
            "/demo/old/v2/people",
            server.text("/live_key"),
            not_accepted(false),
        ),
        (
            "/sandbox/old/v1/people",
            &key,
            (403, "environment_mismatch".to_owned(), true),
        ),
    ];
    for (path, credential, expected) in cases {
        let answer = get(&server.public(path), credential).await;
        assert_eq!(told(&answer), expected, "{path}: {answer:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_command_works_beside_the_server() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let data = directory.path("data");
    let people = server.public("/demo/old/v1/people");
    let on = |word: &'static str| run(&["legacy-key", word, "--data", &data]);

    assert_eq!(on("show").await.code, 3);
    let key = on("generate").await.done();
    assert!(key.starts_with("cl_") && !key.contains('\n'), "{key}");
    assert_eq!(get(&people, &key).await.status, 200);
    assert_eq!(on("generate").await.code, 6);
    let shown = run(&["legacy-key", "show", "--data", &data, "--json"]);
    let shown = shown.await.json();
    assert_eq!(shown["hint"], json!(key[key.len() - 4..]));
    assert_eq!(
        (&shown["deprecated"], shown.get("key")),
        (&json!(true), None)
    );
    for _ in 0..2 {
        on("revert").await.done();
    }
    let refused = get(&people, &key).await;
    assert_eq!(told(&refused), (401, "revoked".to_owned(), true));
    run(&["account", "create", "Globex", "--data", &data])
        .await
        .done();
    // Whose it is has to be said when there are several accounts.
    assert_ne!(on("generate").await.code, 0);
    let theirs = [
        "legacy-key",
        "generate",
        "--account",
        "Globex",
        "--data",
        &data,
        "--json",
    ];
    let theirs = run(&theirs).await.json();
    let theirs = theirs["key"].as_str().unwrap();
    assert_eq!(get(&people, theirs).await.status, 200);
    server.stop().await;
}
