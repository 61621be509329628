//! `claviger verify` and `why`: decisions and their reasons, from the store and from a server.

use serde_json::json;

use crate::directory::Directory;
use crate::http::get;
use crate::program::{Server, run, run_with};

#[tokio::test]
async fn verify_ends_with_0_10_or_11_on_the_store_and_through_a_server() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let (data, internal) = (directory.path("data"), server.internal(""));
    let (live, test) = (server.text("/live_key"), server.text("/test_key"));
    let asked = ["--method", "GET", "--path", "/v1/leads"];
    for place in [["--data", &data], ["--url", &internal]] {
        let verify = async |key: &str| {
            run_with(
                &[&["verify"], &place[..], &asked[..]].concat(),
                &format!("{key}\n"),
                &[],
            )
            .await
        };
        let allowed = verify(live).await;
        assert_eq!(allowed.code, 0, "{allowed:?}");
        assert!(
            allowed.stdout.starts_with("allowed  Demo live key (key_"),
            "{allowed:?}"
        );
        let refused = verify(test).await;
        assert_eq!(refused.code, 10, "{refused:?}");
        assert!(
            refused
                .stdout
                .starts_with("refused  environment_mismatch  req_"),
            "{refused:?}"
        );
        assert!(refused.stderr.contains("hint: "), "{refused:?}");
        assert_eq!(verify("nonsense").await.code, 10);
        assert_eq!(verify("").await.code, 2, "nothing on standard input");
    }
    let unreachable = run_with(&["verify", "--url", "http://127.0.0.1:1"], live, &[]).await;
    assert_eq!(unreachable.code, 8, "{unreachable:?}");
    let variables = [("CLAVIGER_URL", &*internal)];
    assert_eq!(run_with(&["verify"], live, &variables).await.code, 0);
    let other = run_with(&["verify", "--url", "https://127.0.0.1:1"], live, &[]).await;
    assert_eq!(other.code, 2, "{other:?}");
    assert!(other.stderr.contains("https is not spoken"), "{other:?}");
}

#[tokio::test]
async fn why_tells_every_check_and_the_remedy_on_the_store_and_through_a_server() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let data = directory.path("data");
    let refused = get(&server.public("/demo/v1/leads"), server.text("/test_key")).await;
    let id = refused.header("request-id").unwrap();
    assert_eq!(refused.json()["error"]["request_id"], json!(id));

    let public = server.public("");
    let variables = [
        ("CLAVIGER_URL", &*public),
        ("CLAVIGER_TOKEN", server.text("/session_token")),
    ];
    let from_server = run_with(&["why", id], "", &variables).await;
    let words = [
        "refused  environment_mismatch",
        "This API key is for the test environment and cannot reach live data.",
        "method       GET",
        "path         /v1/leads",
        "Demo test key",
        "failed: this decided",
        "not asked",
    ];
    for word in words {
        assert!(
            from_server.stdout.contains(word),
            "no {word:?} in {from_server:?}"
        );
    }
    assert!(
        from_server
            .stderr
            .contains("hint: Use a live credential for live data")
    );
    let from_store = run(&["why", id, "--data", &data]).await;
    assert_eq!(from_store.stdout, from_server.stdout);
    let as_json = run(&["why", id, "--data", &data, "--json"]).await.json();
    assert_eq!(as_json["reason"], "environment_mismatch");
    // At once, before the server need have written it down.
    let again = get(&server.public("/demo/v1/leads"), "nonsense").await;
    let id = again.header("request-id").unwrap();
    let at_once = run(&["why", id, "--data", &data, "--json"]).await.json();
    assert_eq!(at_once["reason"], "invalid_credential");

    assert_eq!(
        run(&["why", "req_00000000000000000000000000", "--data", &data])
            .await
            .code,
        3
    );
    assert_eq!(run(&["why", "nonsense", "--data", &data]).await.code, 2);
    let nobody = run_with(&["why", id], "", &[("CLAVIGER_URL", &*public)]).await;
    assert_eq!(nobody.code, 4, "{nobody:?}");
}

#[tokio::test]
async fn a_decision_on_the_store_can_be_explained_afterwards() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let (data, live) = (directory.path("data"), server.text("/live_key").to_owned());
    server.stop().await;
    let decided = run_with(
        &["verify", "--data", &data, "--json", "--scope", "webhooks"],
        &live,
        &[],
    )
    .await;
    assert_eq!(decided.code, 10, "{decided:?}");
    let decision: serde_json::Value = serde_json::from_str(&decided.stdout).unwrap();
    let id = decision["request_id"].as_str().unwrap();
    let told = run(&["why", id, "--data", &data, "--json"]).await.json();
    assert_eq!(told["missing_scopes"], json!(["webhooks"]));
}

#[tokio::test]
async fn a_leaked_key_is_revoked_by_pasting_it() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let (data, live) = (directory.path("data"), server.text("/live_key"));
    run_with(
        &["key", "revoke", "--data", &data],
        &format!("{live}\n"),
        &[],
    )
    .await
    .done();
    assert_eq!(
        get(&server.public("/demo/v1/leads"), live).await.status,
        401
    );
    let unknown = run_with(&["key", "revoke", "--data", &data], "ck_live_nonsense", &[]).await;
    assert_eq!(unknown.code, 3, "{unknown:?}");
}
