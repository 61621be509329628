//! Power failures: what was acknowledged is there, and what was begun can be finished.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::directory::Directory;
use crate::http::{get, post, send};
use crate::program::{Server, exists, until};

const CREATES: usize = 100;
/// When the power fails.
const ACKNOWLEDGED_BEFORE: usize = 30;

#[tokio::test]
async fn no_acknowledged_key_is_lost() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let acknowledged: Arc<Mutex<Vec<String>>> = Arc::default();
    let (url, session) = (
        server.public("/api/keys"),
        server.text("/session_token").to_owned(),
    );
    let tasks: Vec<_> = (0..CREATES)
        .map(|number| {
            let (url, session) = (url.clone(), session.clone());
            let acknowledged = Arc::clone(&acknowledged);
            tokio::spawn(async move {
                let body = json!({"name": format!("Key {number}"), "scopes": ["read:leads"]});
                let answer = send("POST", &url, Some(&session), Some(&body)).await;
                if let Ok(answer) = answer.as_ref()
                    && answer.status == 201
                {
                    let key = answer.json()["key"].as_str().unwrap().to_owned();
                    acknowledged.lock().unwrap().push(key);
                }
            })
        })
        .collect();
    until(async || (acknowledged.lock().unwrap().len() >= ACKNOWLEDGED_BEFORE).then_some(())).await;
    server.kill().await;
    for task in tasks {
        task.await.unwrap();
    }

    let server = Server::dev(&directory).await;
    let keys = acknowledged.lock().unwrap().clone();
    for key in &keys {
        let decision = decide(&server, key).await;
        assert_eq!(decision["allowed"], json!(true), "{decision}");
    }
    let chain = crate::program::run(&["audit", "verify", "--data", &directory.path("data")]);
    assert!(chain.await.done().starts_with("intact: "));
}

#[tokio::test]
async fn a_revocation_that_was_answered_survives_the_next_moment() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let (session, live) = (
        server.text("/session_token"),
        server.text("/live_key").to_owned(),
    );
    let url = server.public(&format!("/api/keys/{}", server.text("/live_key_id")));
    let revoked = send("DELETE", &url, Some(session), None).await.unwrap();
    assert_eq!(revoked.status, 200);
    server.kill().await;
    let server = Server::dev(&directory).await;
    let refused = get(&server.public("/demo/v1/leads"), &live).await;
    assert_eq!((refused.status, &*refused.reason()), (401, "revoked"));
}

#[tokio::test]
async fn a_set_up_that_is_killed_can_be_started_again() {
    for delay_millis in [0, 50, 150, 400] {
        let directory = Directory::new();
        let (data, marker) = (directory.path("data"), directory.path("data/dev.json"));
        let listen = [
            "--listen",
            "127.0.0.1:0",
            "--internal-listen",
            "127.0.0.1:0",
        ];
        let arguments = [&["dev", "--json", "--data", &data], &listen[..]].concat();
        let server = Server::spawn(&directory, &arguments);
        until(async || exists(&marker)).await;
        // Not a wait for something: the moment of the failure.
        tokio::time::sleep(Duration::from_millis(delay_millis)).await;
        server.kill().await;
        let was_finished = std::fs::read_to_string(&marker)
            .unwrap()
            .contains("account_id");

        let server = Server::dev(&directory).await;
        if !was_finished {
            let live = server.text("/live_key");
            assert_eq!(
                get(&server.public("/demo/v1/leads"), live).await.status,
                200
            );
        }
        let accounts = crate::program::run(&["account", "list", "--data", &data, "--json"]);
        assert_eq!(accounts.await.json().as_array().map(Vec::len), Some(1));
    }
}

async fn decide(server: &Server, key: &str) -> Value {
    let question = json!({"credential": key, "method": "GET", "path": "/v1/leads"});
    post(&server.internal("/v1/verify"), "", &question)
        .await
        .json()
}
