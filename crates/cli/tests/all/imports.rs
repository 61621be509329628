//! `claviger import keys` and `claviger leaks`, beside a running server.

use std::fmt::Write as _;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::directory::Directory;
use crate::http::get;
use crate::program::{Ran, Server, run, run_with, until};

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

/// A file with one good line, and what `claviger import keys` is told to do with it.
struct Import {
    directory: Directory,
    arguments: Vec<String>,
}

impl Import {
    async fn new(directory: Directory) -> Self {
        let text = format!("{}nonsense\n{}", line(SHA256), line("ab"));
        let file = directory.write("keys.jsonl", &text);
        let (data, report) = (directory.path("data"), directory.path("bad.jsonl"));
        let account = run(&["account", "list", "--json", "--data", &data]).await;
        let account = account.json()[0]["name"].as_str().unwrap().to_owned();
        let arguments = [
            "import",
            "keys",
            &file,
            "--account",
            &account,
            "--data",
            &data,
            "--report",
            &report,
        ];
        Self {
            arguments: arguments.map(str::to_owned).to_vec(),
            directory,
        }
    }

    async fn run(&self, more: &[&str]) -> Ran {
        let own = self.arguments.iter().map(String::as_str);
        run(&own.chain(more.iter().copied()).collect::<Vec<_>>()).await
    }

    /// The same with the file as standard input.
    async fn run_piped(&self, more: &[&str]) -> Ran {
        let own = self.arguments.iter().map(String::as_str);
        let mut arguments: Vec<&str> = own.chain(more.iter().copied()).collect();
        let text = std::fs::read_to_string(arguments[2]).unwrap();
        arguments[2] = "-";
        run_with(&arguments, &text, &[]).await
    }
}

#[tokio::test]
async fn bad_lines_are_told_and_reported_and_the_good_ones_imported_when_asked_for() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let import = Import::new(directory).await;
    let refused = import.run(&[]).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    for told in [
        "line 2: is not a JSON object",
        "line 3: hash must be 64 hexadecimal digits",
    ] {
        assert!(refused.stderr.contains(told), "{refused:?}");
    }
    let bad = std::fs::read_to_string(import.directory.path("bad.jsonl")).unwrap();
    let bad = bad
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines: Vec<Value> = bad.map(|bad| bad["line"].clone()).collect();
    assert_eq!(lines, [2, 3]);
    let dry = import.run(&["--skip-invalid", "--dry-run"]).await.done();
    assert!(
        dry.starts_with("imported nothing; 1 keys could be"),
        "{dry}"
    );
    assert_eq!(status(&server, KEY).await, 401);
    let done = import.run_piped(&["--skip-invalid", "--json"]).await.json();
    assert_eq!(
        (&done["imported"], &done["refused"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(status(&server, KEY).await, 200);
    let log = server.stop().await;
    assert!(!log.contains(KEY), "{log}");
}

#[tokio::test]
async fn an_imported_key_is_upgraded_by_a_server_and_reported_when_it_leaks() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let data = directory.path("data");
    let import = Import::new(directory).await;
    import.run(&["--skip-invalid"]).await.done();
    assert_eq!(status(&server, KEY).await, 200);
    let seen = async || {
        let list = ["audit", "list", "--action", "key.upgraded", "--json"];
        let events = run(&[&list[..], &["--data", &data]].concat()).await.json();
        (events.as_array().map(Vec::len) == Some(1)).then_some(())
    };
    until(seen).await;
    assert_eq!(status(&server, KEY).await, 200);
    let verified = run_with(&["verify", "--data", &data], KEY, &[]).await;
    let verified = verified.done();
    assert!(verified.starts_with("allowed  Old"), "{verified}");

    let url = server.public("");
    let reported = run_with(&["leaks", "report", "--url", &url], KEY, &[]).await;
    assert!(reported.done().starts_with("reported"));
    assert_eq!(status(&server, KEY).await, 401);
    let again = run_with(&["leaks", "report", "--data", &data], KEY, &[]).await;
    assert!(again.done().contains("is a credential of this instance"));
    let none = run_with(&["leaks", "report", "--data", &data], "nonsense", &[]).await;
    assert_eq!(none.code, 3, "{none:?}");
    let pattern = run(&["leaks", "pattern", "--data", &data]).await.done();
    assert!(
        pattern.starts_with("\\b(") && pattern.contains("ck_live_"),
        "{pattern}"
    );
    server.stop().await;
}

/// An import that was killed and then repeated: its server, how to repeat it, what that said.
async fn killed_and_repeated() -> (Directory, Server, Vec<String>, Value) {
    let mut text = line(SHA256);
    for number in 0..LINES {
        write!(text, "{}", line(&format!("{number:064x}"))).unwrap();
    }
    // Where this program has to wait for its turn, the import may be done before it is killed.
    for _ in 0..10 {
        let directory = Directory::new();
        let server = Server::dev(&directory).await;
        let data = directory.path("data");
        let file = directory.write("keys.jsonl", &text);
        let accounts = run(&["account", "list", "--json", "--data", &data]).await;
        let accounts = accounts.json();
        let id = accounts[0]["id"].as_str().unwrap();
        let arguments = ["import", "keys", &file, "--account", id, "--data", &data];
        let mut import = Server::spawn(&directory, &arguments);
        // The first batch is in: the server knows the first key.
        until(async || (status(&server, KEY).await == 200).then_some(())).await;
        import.signal(Signal::KILL);
        import.ended().await;
        let again = [&arguments[..], &["--json"]].concat();
        let done = run(&again).await.json();
        if done["imported"] != 0 {
            return (
                directory,
                server,
                again.into_iter().map(str::to_owned).collect(),
                done,
            );
        }
        server.stop().await;
    }
    panic!("it was always too fast to be killed");
}

#[tokio::test]
async fn an_import_that_is_killed_goes_on_when_it_is_repeated() {
    let (_directory, server, again, done) = killed_and_repeated().await;
    let number = |name: &str| done[name].as_u64().unwrap();
    assert!(number("known") >= 70, "{done}");
    assert_eq!(number("known") + number("imported"), LINES as u64 + 1);
    let again: Vec<_> = again.iter().map(String::as_str).collect();
    let done = run(&again).await.json();
    assert_eq!(
        (&done["known"], &done["imported"]),
        (&json!(LINES + 1), &json!(0))
    );
    assert_eq!(status(&server, KEY).await, 200);
    server.stop().await;
}
