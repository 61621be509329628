//! `claviger import keys` and `claviger leaks`, beside a running server.

use std::fmt::Write as _;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::directory::Directory;
use crate::http::get;
use crate::program::{Server, run, run_with, until};

/// The key `sk_old_9fQ2-abc.DEF/1+2`, as Python's hashlib hashes it.
const KEY: &str = "sk_old_9fQ2-abc.DEF/1+2";
const SHA256: &str = "f65940370b2c779f6c4af58889cc674b880880a8ce808a074fe48f52280e12d1";
const LINES: usize = 2_000;

fn line(hash: &str) -> String {
    let line =
        json!({"name": "Old", "hash": hash, "algorithm": "sha256", "scopes": ["read:leads"]});
    format!("{line}\n")
}

async fn status(server: &Server, key: &str) -> u16 {
    get(&server.public("/demo/v1/leads"), key).await.status
}

#[tokio::test]
async fn keys_are_imported_beside_a_running_server_and_reported_when_they_leak() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let data = directory.path("data");
    assert_eq!(status(&server, KEY).await, 401);
    let file = directory.write(
        "keys.jsonl",
        &format!("{}nonsense\n{}", line(SHA256), line("ab")),
    );
    let report = directory.path("bad.jsonl");
    let arguments = [
        "import",
        "keys",
        &file,
        "--account",
        "Demo",
        "--data",
        &data,
        "--report",
        &report,
    ];
    let account = run(&["account", "list", "--json", "--data", &data])
        .await
        .json();
    let name = account[0]["name"].as_str().unwrap().to_owned();
    let arguments = arguments.map(|text| if text == "Demo" { name.as_str() } else { text });

    let refused = run(&arguments).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.stderr.contains("line 2: is not a JSON object"),
        "{refused:?}"
    );
    assert!(
        refused
            .stderr
            .contains("line 3: hash must be 64 hexadecimal digits"),
        "{refused:?}"
    );
    let bad = std::fs::read_to_string(&report).unwrap();
    let bad: Vec<Value> = bad
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        bad.iter()
            .map(|bad| bad["line"].clone())
            .collect::<Vec<_>>(),
        [2, 3]
    );
    assert_eq!(status(&server, KEY).await, 401);

    let dry = run(&[&arguments[..], &["--skip-invalid", "--dry-run"]].concat())
        .await
        .done();
    assert!(
        dry.starts_with("imported nothing; 1 keys could be"),
        "{dry}"
    );
    let stdin = [
        &["import", "keys", "-"],
        &arguments[3..],
        &["--skip-invalid", "--json"],
    ]
    .concat();
    let text = std::fs::read_to_string(&file).unwrap();
    let done = run_with(&stdin, &text, &[]).await.json();
    assert_eq!(
        (&done["imported"], &done["refused"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(status(&server, KEY).await, 200);
    // Seen, upgraded, and known to the command as well.
    let seen = async || {
        let events = run(&[
            "audit",
            "list",
            "--action",
            "key.upgraded",
            "--json",
            "--data",
            &data,
        ])
        .await
        .json();
        (events.as_array().map(Vec::len) == Some(1)).then_some(())
    };
    until(seen).await;
    assert_eq!(status(&server, KEY).await, 200);
    let verified = run_with(&["verify", "--data", &data], KEY, &[])
        .await
        .done();
    assert!(verified.starts_with("allowed  Old"), "{verified}");

    let url = server.public("");
    let reported = run_with(&["leaks", "report", "--url", &url], KEY, &[])
        .await
        .done();
    assert!(reported.starts_with("reported"), "{reported}");
    assert_eq!(status(&server, KEY).await, 401);
    let again = run_with(&["leaks", "report", "--data", &data], KEY, &[])
        .await
        .done();
    assert!(
        again.contains("is a credential of this instance"),
        "{again}"
    );
    let none = run_with(&["leaks", "report", "--data", &data], "nonsense", &[]).await;
    assert_eq!(none.code, 3, "{none:?}");
    let pattern = run(&["leaks", "pattern", "--data", &data]).await.done();
    assert!(
        pattern.starts_with("\\b(") && pattern.contains("ck_live_"),
        "{pattern}"
    );
    let log = server.stop().await;
    assert!(!log.contains(KEY), "{log}");
}

#[tokio::test]
async fn an_import_that_is_killed_goes_on_when_it_is_repeated() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let data = directory.path("data");
    let mut text = line(SHA256);
    for number in 0..LINES {
        write!(text, "{}", line(&format!("{number:064x}"))).unwrap();
    }
    let file = directory.write("keys.jsonl", &text);
    let account = run(&["account", "list", "--json", "--data", &data])
        .await
        .json();
    let id = account[0]["id"].as_str().unwrap().to_owned();
    let arguments = ["import", "keys", &file, "--account", &id, "--data", &data];
    let mut killed = Server::spawn(&directory, &arguments);
    // The first batch is in: the server knows the first key.
    until(async || (status(&server, KEY).await == 200).then_some(())).await;
    killed.signal(Signal::KILL);
    assert!(
        !killed.ended().await.0.success(),
        "it was too fast to be killed"
    );
    let done = run(&[&arguments[..], &["--json"]].concat()).await.json();
    let (known, imported) = (
        done["known"].as_u64().unwrap(),
        done["imported"].as_u64().unwrap(),
    );
    assert!(known >= 70 && imported > 0, "{done}");
    assert_eq!(known + imported, LINES as u64 + 1);
    let done = run(&[&arguments[..], &["--json"]].concat()).await.json();
    assert_eq!(
        (&done["known"], &done["imported"]),
        (&json!(LINES + 1), &json!(0))
    );
    assert_eq!(status(&server, KEY).await, 200);
    server.stop().await;
}
