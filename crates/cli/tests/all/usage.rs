//! Counts of requests survive what happens to the program, and `claviger usage` tells of them.

use serde_json::{Value, json};

use crate::directory::Directory;
use crate::http::{get, post};
use crate::program::{Server, run, run_with};

const BATCHES: usize = 100;
const IN_A_BATCH: usize = 100;
const AT_ONCE: usize = 8;

/// Verifies many times at full speed, some of it with a key that has a typo.
async fn verify_many(server: &Server, key: &str) {
    let url = server.internal("/v1/verify/batch");
    let good = json!({"credential": key, "method": "GET", "path": "/v1/leads"});
    let unknown = json!({"credential": "ck_live_nonsense", "path": "/v1/leads"});
    let mut questions = vec![good; IN_A_BATCH - 1];
    questions.push(unknown);
    let questions = Value::from(questions);
    let asking = (0..AT_ONCE).map(|_| {
        let (url, questions) = (url.clone(), questions.clone());
        tokio::spawn(async move {
            for _ in 0..BATCHES / AT_ONCE {
                assert_eq!(post(&url, "", &questions).await.status, 200);
            }
        })
    });
    for asked in asking.collect::<Vec<_>>() {
        asked.await.expect("all are answered");
    }
}

/// Allowed and refused, as the command counts them on the data.
async fn counted(directory: &Directory) -> (u64, u64) {
    let data = directory.path("data");
    let usage = ["usage", "--by", "outcome", "--json", "--data", &data];
    let total = run(&usage).await.json()["total"].clone();
    let number = |name: &str| total[name].as_u64().expect("a number");
    (number("allowed"), number("refused"))
}

const ASKED: usize = BATCHES / AT_ONCE * AT_ONCE;

fn asked(times: u64) -> (u64, u64) {
    let batches = times * ASKED as u64;
    (batches * (IN_A_BATCH as u64 - 1), batches)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_is_counted_once_whatever_ends_the_server() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let key = server.text("/live_key").to_owned();
    let before = counted(&directory).await;
    let since = |now: (u64, u64)| (now.0 - before.0, now.1 - before.1);
    verify_many(&server, &key).await;
    let session = server.text("/session_token").to_owned();
    server.stop().await;
    assert_eq!(since(counted(&directory).await), asked(1));

    // What was shown to somebody is on the disk.
    let server = Server::dev(&directory).await;
    verify_many(&server, &key).await;
    let shown = get(&server.public("/v1/usage"), &session).await;
    assert_eq!(shown.status, 200);
    server.kill().await;
    assert_eq!(since(counted(&directory).await), asked(2));

    // What was not written when it was killed is lost, and nothing is there twice.
    let server = Server::dev(&directory).await;
    verify_many(&server, &key).await;
    server.kill().await;
    let (least, most) = (asked(2), asked(3));
    let now = since(counted(&directory).await);
    assert!(least.0 <= now.0 && now.0 <= most.0, "{now:?}");
    assert!(least.1 <= now.1 && now.1 <= most.1, "{now:?}");
}

#[tokio::test]
async fn usage_is_told_by_the_server_and_by_its_data() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    for path in ["/demo/v1/leads", "/demo/v1/people"] {
        assert_eq!(
            get(&server.public(path), server.text("/live_key"))
                .await
                .status,
            200
        );
    }
    let data = directory.path("data");
    let id = server.text("/live_key_id").to_owned();
    let url = server.public("");
    let token = server.text("/session_token");
    let variables = [("CLAVIGER_URL", url.as_str()), ("CLAVIGER_TOKEN", token)];
    let arguments = [
        "usage",
        "--last",
        "1h",
        "--credential",
        &id,
        "--by",
        "scope",
    ];
    let asked = run_with(&arguments, "", &variables).await;
    assert!(
        asked.stderr.contains("2 allowed, 0 refused"),
        "{}",
        asked.stderr
    );
    let table = asked.done();
    assert!(
        table.contains("read:leads") && table.contains("read:people"),
        "{table}"
    );
    // The server has written it down when it told of it.
    let on_data = run(&["usage", "--credential", &id, "--data", &data])
        .await
        .done();
    assert!(on_data.contains(&id), "{on_data}");
    let wrong = run(&["usage", "--by", "moon", "--data", &data]).await;
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.stderr.contains("credential, secret, api"),
        "{}",
        wrong.stderr
    );

    let scopes = run(&["key", "scopes", &id, "--data", &data]).await;
    assert!(scopes.stderr.contains("--narrow"), "{}", scopes.stderr);
    assert!(scopes.done().contains("not used"));
    let narrowed = run(&["key", "scopes", &id, "--narrow", "--json", "--data", &data]).await;
    assert_eq!(
        narrowed.json()["scopes"],
        json!(["read:leads", "read:people"])
    );
    let refused = get(
        &server.public("/demo/v1/properties"),
        server.text("/live_key"),
    )
    .await;
    assert_eq!(refused.status, 403);
}
