//! `claviger audit` with files: what somebody checks who has neither the server nor its keys.

use serde_json::{Value, json};

use crate::directory::Directory;
use crate::program::{Server, run, run_with};

struct Exported {
    directory: Directory,
    data: String,
    key: String,
    whole: String,
}

/// A stopped instance, and what its operator gave away.
async fn exported() -> Exported {
    let directory = Directory::new();
    Server::dev(&directory).await.stop().await;
    let data = directory.path("data");
    let key = run(&["audit", "key", "--data", &data]).await.done();
    let whole = run(&["audit", "export", "--data", &data]).await.done() + "\n";
    Exported {
        directory,
        data,
        key,
        whole,
    }
}

impl Exported {
    async fn verified(&self, text: &str, more: &[&str]) -> (i32, Value, String) {
        let file = self.directory.write("export.jsonl", text);
        let arguments = ["audit", "verify", &file, "--key", &self.key, "--json"];
        let ran = run(&[&arguments[..], more].concat()).await;
        let told = serde_json::from_str(&ran.stdout).unwrap_or_default();
        (ran.code, told, ran.stderr)
    }
}

#[tokio::test]
async fn an_export_is_checked_without_the_store() {
    let given = exported().await;
    let lines: Vec<&str> = given.whole.lines().collect();
    let (code, told, stderr) = given.verified(&given.whole, &[]).await;
    assert_eq!(
        (code, &told["intact"], &told["whole"]),
        (0, &json!(true), &json!(true)),
        "{stderr}"
    );
    assert_eq!(told["unsigned"], json!(0));
    // The log is called by the address of the server, which is another one at each start.
    let public = |key: &str| key.rsplit('+').next().map(str::to_owned);
    assert_eq!(
        public(told["key"].as_str().unwrap_or_default()),
        public(&given.key)
    );
    let events = told["events"].as_u64().expect("a number");
    assert_eq!(told["last_checkpoint"]["seq"].as_u64(), Some(events));

    // The first two events are lines two and three.
    let seq_of = |line: usize| {
        let event: Value = serde_json::from_str(lines[line]).expect("a line");
        event["seq"].clone()
    };
    let edited = given
        .whole
        .replacen("account.created", "account.creates", 1);
    assert_ne!(edited, given.whole);
    let place = lines
        .iter()
        .position(|line| line.contains("account.created"))
        .expect("one");
    let (code, told, stderr) = given.verified(&edited, &[]).await;
    assert_eq!((code, &told["seq"]), (1, &seq_of(place)), "{stderr}");
    assert!(stderr.contains("was changed"), "{stderr}");

    let joined = |lines: &[&str]| lines.join("\n") + "\n";
    let missing = [&lines[..2], &lines[3..]].concat();
    let (code, told, _) = given.verified(&joined(&missing), &[]).await;
    assert_eq!((code, &told["seq"]), (1, &json!(2)));
    let mut moved = lines.clone();
    moved.swap(2, 3);
    let (code, told, _) = given.verified(&joined(&moved), &[]).await;
    assert_eq!((code, &told["seq"]), (1, &json!(2)));
    let cut_off = joined(&lines[..5]);
    let (code, told, stderr) = given.verified(&cut_off, &[]).await;
    assert_eq!((code, &told["seq"]), (1, &json!(5)));
    assert!(stderr.contains("events 5 to"), "{stderr}");
    let torn = &given.whole[..given.whole.len() - 20];
    let (code, _, stderr) = given.verified(torn, &[]).await;
    assert_eq!(code, 1);
    assert!(stderr.contains("was cut off or changed"), "{stderr}");
    let unsigned: Vec<&str> = lines
        .iter()
        .filter(|line| !line.contains("checkpoint"))
        .copied()
        .collect();
    let (code, _, stderr) = given.verified(&joined(&unsigned), &[]).await;
    assert_eq!(code, 1);
    assert!(stderr.contains("no checkpoint"), "{stderr}");
}

#[tokio::test]
async fn a_kept_checkpoint_tells_of_an_export_that_is_older() {
    let given = exported().await;
    run(&["account", "create", "Later", "--data", &given.data])
        .await
        .done();
    let note = run(&["audit", "checkpoint", "--data", &given.data])
        .await
        .done();
    assert!(note.contains("\n\u{2014} "), "{note}");
    let kept = format!("{}/audit-checkpoints.jsonl", given.data);
    let (code, _, stderr) = given
        .verified(&given.whole, &["--checkpoints", &kept])
        .await;
    assert_eq!(code, 1);
    assert!(stderr.contains("missing"), "{stderr}");
    let fresh = run(&["audit", "export", "--data", &given.data])
        .await
        .done()
        + "\n";
    let (code, told, stderr) = given.verified(&fresh, &["--checkpoints", &kept]).await;
    assert_eq!((code, &told["checkpoints"]), (0, &json!(2)), "{stderr}");
    let listed = run(&["audit", "checkpoints", "--data", &given.data, "--json"])
        .await
        .json();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn an_accounts_export_and_one_events_proof_are_checked_alike() {
    let given = exported().await;
    let arguments = [
        "audit",
        "export",
        "--account",
        "Acme",
        "--data",
        &given.data,
    ];
    let own = run(&arguments).await.done() + "\n";
    let (code, told, stderr) = given.verified(&own, &[]).await;
    assert_eq!((code, &told["whole"]), (0, &json!(false)), "{stderr}");
    let event: Value = serde_json::from_str(own.lines().nth(1).expect("an event")).expect("JSON");
    let id = event["id"].as_str().expect("an id");
    let proof = run(&["audit", "proof", id, "--data", &given.data])
        .await
        .done();
    let check = ["audit", "verify", "-", "--key", &given.key];
    let ran = run_with(&check, &proof, &[]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.starts_with("proved: 1 events") && ran.stderr.contains("SHA256:"));
    let ran = run_with(&check, &proof.replace("key_", "kez_"), &[]).await;
    assert_eq!(ran.code, i32::from(proof.contains("key_")), "{ran:?}");
    let ran = run_with(&check, &proof.replace("\"seq\":", "\"seq\":1"), &[]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    let none = [
        "audit",
        "proof",
        "evt_00000000000000000000000000",
        "--data",
        &given.data,
    ];
    assert_eq!(run(&none).await.code, 3);
    assert_eq!(
        run(&["audit", "proof", "x", "--data", &given.data])
            .await
            .code,
        2
    );
}

#[tokio::test]
async fn only_the_key_that_is_trusted_counts() {
    let given = exported().await;
    let file = given.directory.write("export.jsonl", &given.whole);
    let published = given.directory.write(
        "keys.json",
        &json!({"keys": [{"key": given.key, "is_current": true}]}).to_string(),
    );
    let ran = run(&["audit", "verify", &file, "--key", &published]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let other = Directory::new();
    Server::dev(&other).await.stop().await;
    let other_key = run(&["audit", "key", "--data", &other.path("data")])
        .await
        .done();
    let ran = run(&["audit", "verify", &file, "--key", &other_key]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("not the trusted one"), "{ran:?}");
    let ran = run(&[
        "audit", "verify", &file, "--key", &other_key, "--key", &given.key,
    ])
    .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    for (arguments, code) in [
        (vec!["audit", "verify", &file], 2),
        (vec!["audit", "verify", &file, "--key", &file], 2),
        (
            vec!["audit", "verify", "/no/such/file", "--key", &given.key],
            3,
        ),
        (vec!["audit", "verify", &file, "--key", "/no/such/key"], 3),
    ] {
        assert_eq!(run(&arguments).await.code, code, "{arguments:?}");
    }
}
