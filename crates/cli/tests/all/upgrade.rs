//! A database of an earlier version: migrated at the first start, also when that is killed.

use std::path::Path;
use std::time::Duration;

use claviger_service::testing::step_back;
use serde_json::json;

use crate::directory::Directory;
use crate::http::{get, send};
use crate::program::{Server, run};

const KEYS: usize = 30;
/// After how many milliseconds a start is killed: before, in and behind the migration.
const MOMENTS: [u64; 12] = [0, 5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 200];

#[tokio::test]
async fn a_migration_that_is_killed_is_made_at_the_next_start() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let (url, session) = (
        server.public("/api/keys"),
        server.text("/session_token").to_owned(),
    );
    let mut keys = Vec::new();
    for _ in 0..KEYS {
        let body = json!({"name": "Key", "scopes": ["read:leads"]});
        let made = send("POST", &url, Some(&session), Some(&body))
            .await
            .unwrap();
        keys.push(made.json()["key"].as_str().unwrap().to_owned());
    }
    let url = server.public(&format!("/api/keys/{}", server.text("/live_key_id")));
    let revoked = server.text("/live_key").to_owned();
    send("DELETE", &url, Some(&session), None).await.unwrap();
    server.stop().await;

    let data = directory.path("data");
    let master_key = std::fs::read_to_string(directory.path("data/master.key")).unwrap();
    let database = directory.path("data/claviger.db");
    let listen = [
        "--listen",
        "127.0.0.1:0",
        "--internal-listen",
        "127.0.0.1:0",
    ];
    let arguments = [&["dev", "--json", "--data", &data], &listen[..]].concat();
    for moment in MOMENTS {
        step_back(Path::new(&database), &master_key).await.unwrap();
        let server = Server::spawn(&directory, &arguments);
        // Not a wait for something: the moment of the failure.
        tokio::time::sleep(Duration::from_millis(moment)).await;
        server.kill().await;
        let server = Server::dev(&directory).await;
        for key in &keys {
            let answer = get(&server.public("/demo/v1/leads"), key).await;
            assert_eq!(answer.status, 200, "killed after {moment} ms");
        }
        let refused = get(&server.public("/demo/v1/leads"), &revoked).await;
        assert_eq!((refused.status, &*refused.reason()), (401, "revoked"));
        server.stop().await;
    }
    let chain = run(&["audit", "verify", "--data", &data]).await.done();
    assert!(chain.starts_with("intact: "), "{chain}");
}
