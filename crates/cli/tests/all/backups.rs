//! Backups and the way back: what was acknowledged is there, and what was revoked stays revoked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::directory::Directory;
use crate::http::{Answer, get, post, send};
use crate::program::{Ran, Server, run, run_with, until};

/// Keys that are made before the backup.
const KEYS: usize = 20;

/// A server with keys, a backup of it, and what happened since.
struct Scene {
    directory: Directory,
    backup: String,
    /// Made before the backup; of them one is revoked, and one narrowed, behind it.
    kept: Vec<(String, String)>,
    revoked: (String, String),
    narrowed: (String, String),
    /// Made behind the backup.
    late: (String, String),
    /// A session from before.
    session: String,
}

impl Scene {
    async fn new() -> Self {
        let directory = Directory::new();
        let server = Server::dev(&directory).await;
        let mut kept = Vec::new();
        for _ in 0..KEYS {
            kept.push(create(&server).await);
        }
        let backup = directory.path("claviger.backup");
        let made = back_up_under_load(&server, &directory, &backup).await;
        assert!(made.contains("read back and sound"), "{made}");
        let (revoked, narrowed) = (kept.remove(0), kept.remove(0));
        let late = create(&server).await;
        let session = server.text("/session_token").to_owned();
        let url = server.public(&format!("/api/keys/{}", revoked.0));
        let answer = send("DELETE", &url, Some(&session), None).await.unwrap();
        assert_eq!(answer.status, 200);
        let url = server.public(&format!("/api/keys/{}", narrowed.0));
        let scopes = json!({"scopes": ["read:properties"]});
        let answer = send("PATCH", &url, Some(&session), Some(&scopes)).await;
        assert_eq!(answer.unwrap().status, 200);
        server.kill().await;
        Self {
            directory,
            backup,
            kept,
            revoked,
            narrowed,
            late,
            session,
        }
    }

    fn data(&self) -> String {
        self.directory.path("data")
    }

    /// A directory of another machine: the master key and what `claviger dev` knows of itself.
    fn elsewhere(&self) -> Directory {
        let other = Directory::new();
        std::fs::create_dir(other.path("data")).unwrap();
        for name in ["master.key", "dev.json"] {
            let from = format!("{}/{name}", self.data());
            std::fs::copy(from, other.path(&format!("data/{name}"))).unwrap();
        }
        other
    }

    fn journal(&self) -> String {
        format!("{}/revocations.journal", self.data())
    }
}

#[tokio::test]
async fn what_comes_back_is_sealed_and_knows_what_was_revoked_since() {
    let scene = Scene::new().await;
    let other = scene.elsewhere();
    let data = other.path("data");
    let journal = scene.journal();
    let restored = run(&[
        "restore",
        &scene.backup,
        "--data",
        &data,
        "--journal",
        &journal,
    ])
    .await
    .done();
    assert!(restored.contains("recovery point"), "{restored}");

    let server = Server::dev(&other).await;
    is_sealed(&server, &scene).await;
    let checked = run(&["check", "--data", &data]).await;
    assert_ne!(checked.code, 0);
    assert!(checked.stdout.contains("sealed"), "{checked:?}");
    assert!(checked.stderr.contains("claviger unseal"), "{checked:?}");
    let refused = run(&["key", "revoke", &scene.kept[0].0, "--data", &data]).await;
    assert_ne!(refused.code, 0, "{refused:?}");

    let asked = [
        "verify",
        "--data",
        &data,
        "--method",
        "GET",
        "--path",
        "/v1/leads",
    ];
    let undecided = run_with(&asked, &scene.revoked.1, &[]).await;
    assert_eq!(undecided.code, 11, "{undecided:?}");

    let plan = run(&["unseal", "--data", &data, "--json"]).await.json();
    assert_eq!(plan["gap"], Value::Null, "{plan}");
    let replayed = plan["replayed"].as_array().unwrap();
    for id in [&scene.revoked.0, &scene.narrowed.0] {
        assert!(replayed.iter().any(|thing| thing["id"] == **id), "{plan}");
    }
    is_sealed(&server, &scene).await;
    let opened = run(&["unseal", "--yes", "--data", &data]).await.done();
    assert!(opened.starts_with("open: "), "{opened}");

    let first = &scene.kept[0].1;
    until(async || (leads(&server, first).await.status == 200).then_some(())).await;
    for (_, key) in &scene.kept {
        assert_eq!(leads(&server, key).await.status, 200);
    }
    is_refused(&leads(&server, &scene.revoked.1).await, 401, "revoked");
    let narrowed = leads(&server, &scene.narrowed.1).await;
    is_refused(&narrowed, 403, "insufficient_scope");
    assert_eq!(leads(&server, &scene.late.1).await.status, 401);
    let session = get(&server.public("/api/keys"), &scene.session).await;
    assert_eq!(session.status, 401, "sessions ended");
    server.kill().await;

    goes_on(&other, &scene).await;
}

/// It stays so, and the log goes on.
async fn goes_on(other: &Directory, scene: &Scene) {
    let data = other.path("data");
    let server = Server::dev(other).await;
    assert_eq!(leads(&server, &scene.kept[0].1).await.status, 200);
    is_refused(&leads(&server, &scene.revoked.1).await, 401, "revoked");
    server.stop().await;
    let chain = run(&["audit", "verify", "--data", &data]).await.done();
    assert!(chain.starts_with("intact: "), "{chain}");
    let told = run(&["audit", "list", "--data", &data]).await.done();
    assert!(told.contains("backup.restored"), "{told}");
}

#[tokio::test]
async fn without_the_journal_the_operator_is_told() {
    let scene = Scene::new().await;
    let other = scene.elsewhere();
    let data = other.path("data");
    let restored = run(&["restore", &scene.backup, "--data", &data]).await;
    assert!(restored.stderr.contains("no journal"), "{restored:?}");
    restored.done();
    let plan = run(&["unseal", "--data", &data]).await.done();
    assert!(plan.contains("NOT every revocation"), "{plan}");
    let refused = run(&["unseal", "--yes", "--data", &data]).await;
    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.stderr.contains("--without-journal"), "{refused:?}");
    run(&["unseal", "--yes", "--without-journal", "--data", &data])
        .await
        .done();
    let server = Server::dev(&other).await;
    assert_eq!(leads(&server, &scene.kept[0].1).await.status, 200);
    server.kill().await;
}

#[tokio::test]
async fn a_journal_that_was_touched_is_not_believed() {
    let scene = Scene::new().await;
    let other = scene.elsewhere();
    let data = other.path("data");
    let text = std::fs::read_to_string(scene.journal()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() >= 3, "{}", lines.len());
    let without_second = format!("{}\n{}\n", lines[0], lines[2..].join("\n"));
    let journal = other.write("shortened.journal", &without_second);
    let arguments = [
        "restore",
        &scene.backup,
        "--data",
        &data,
        "--journal",
        &journal,
    ];
    run(&arguments).await.done();
    let refused = run(&["unseal", "--yes", "--data", &data]).await;
    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.stderr.contains("line 2"), "{refused:?}");
}

#[tokio::test]
async fn an_older_database_put_back_beside_its_journal_is_sealed() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let key = create(&server).await;
    server.stop().await;
    let (database, old) = (directory.path("data/claviger.db"), directory.path("old.db"));
    std::fs::copy(&database, &old).unwrap();
    let data = directory.path("data");
    run(&["key", "revoke", &key.0, "--data", &data])
        .await
        .done();
    std::fs::copy(&old, &database).unwrap();

    let server = Server::dev(&directory).await;
    let answer = leads(&server, &key.1).await;
    is_refused(&answer, 503, "sealed");
    assert!(server.stderr().contains("sealed"), "{}", server.stderr());
    run(&["unseal", "--yes", "--data", &data]).await.done();
    let leads = until(async || {
        let answer = leads(&server, &key.1).await;
        (answer.status != 503).then_some(answer)
    });
    is_refused(&leads.await, 401, "revoked");
    server.kill().await;
}

#[tokio::test]
async fn a_backup_that_was_touched_is_refused_and_nothing_with_it() {
    let scene = Scene::new().await;
    let other = scene.elsewhere();
    let data = other.path("data");
    let whole = std::fs::read(&scene.backup).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let mut head = whole.clone();
    let epoch = head.windows(8).position(|found| found == b"\"epoch\":");
    head[epoch.unwrap() + 8] ^= 1;
    let longer = [whole.clone(), vec![0; 100]].concat();
    let bad = [
        ("flipped", flipped),
        ("head", head),
        ("longer", longer),
        ("truncated", whole[..whole.len() - 1_000].to_vec()),
        ("no backup", b"SQLite format 3".to_vec()),
        ("empty", Vec::new()),
    ];
    for (what, bytes) in bad {
        let file = other.path("bad.backup");
        std::fs::write(&file, bytes).unwrap();
        refused_untouched(
            &run(&["restore", &file, "--data", &data]).await,
            &data,
            what,
        );
    }
    let key = std::fs::read_to_string(other.path("data/master.key")).unwrap();
    let digit = key.trim_end().chars().last().unwrap();
    let wrong = format!(
        "{}{}",
        &key.trim_end()[..key.trim_end().len() - 1],
        if digit == '0' { '1' } else { '0' }
    );
    std::fs::write(other.path("data/master.key"), wrong).unwrap();
    let with_wrong_key = run(&["restore", &scene.backup, "--data", &data]).await;
    assert!(
        with_wrong_key.stderr.contains("master key"),
        "{with_wrong_key:?}"
    );
    refused_untouched(&with_wrong_key, &data, "wrong key");
}

#[tokio::test]
async fn nothing_is_overwritten() {
    let scene = Scene::new().await;
    let data = scene.data();
    let again = run(&["backup", &scene.backup, "--data", &data]).await;
    assert_eq!(again.code, 6, "{again:?}");
    let refused = run(&["restore", &scene.backup, "--data", &data]).await;
    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.stderr.contains("--replace"), "{refused:?}");

    let server = Server::dev(&scene.directory).await;
    let running = ["restore", &scene.backup, "--replace", "--data", &data];
    let refused = run(&running).await;
    assert_eq!(refused.code, 6, "a server runs: {refused:?}");
    is_refused(&leads(&server, &scene.revoked.1).await, 401, "revoked");
    server.stop().await;

    let replaced = run(&running).await;
    assert!(replaced.stderr.contains("replaced-"), "{replaced:?}");
    replaced.done();
    let plan = run(&["unseal", "--data", &data, "--json"]).await.json();
    assert_eq!(plan["gap"], Value::Null, "the journal stayed: {plan}");
    run(&["unseal", "--yes", "--data", &data]).await.done();
    let server = Server::dev(&scene.directory).await;
    is_refused(&leads(&server, &scene.revoked.1).await, 401, "revoked");
    assert_eq!(leads(&server, &scene.kept[0].1).await.status, 200);
    server.kill().await;
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let directory = Directory::new();
    Server::dev(&directory).await.stop().await;
    let data = directory.path("data");
    let open = run(&["unseal", "--data", &data]).await;
    assert_eq!(open.code, 6, "{open:?}");
    assert!(open.stderr.contains("The instance is open"), "{open:?}");
    let missing = directory.path("missing.backup");
    let refused = run(&["restore", &missing, "--replace", "--data", &data]).await;
    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.stderr.contains("missing.backup"), "{refused:?}");
    let url = "[node]\nname = \"one\"\n[database]\n\
               postgres_url = \"postgres://claviger@127.0.0.1:1/claviger\"\n";
    let config = directory.write("postgres.toml", url);
    for command in ["backup", "restore"] {
        let refused = run(&[command, &missing, "--config", &config]).await;
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains("pg_dump"), "{refused:?}");
    }
}

/// Makes a backup while keys are made and requests decided.
async fn back_up_under_load(server: &Server, directory: &Directory, backup: &str) -> String {
    let stop = Arc::new(AtomicBool::new(false));
    let load = {
        let (stop, url) = (Arc::clone(&stop), server.public("/api/keys"));
        let session = server.text("/session_token").to_owned();
        tokio::spawn(async move {
            let mut made = 0;
            while !stop.load(Ordering::Relaxed) {
                let body = json!({"name": "Load", "scopes": ["read:leads"]});
                let answer = send("POST", &url, Some(&session), Some(&body)).await;
                assert_eq!(answer.unwrap().status, 201);
                made += 1;
            }
            made
        })
    };
    let data = directory.path("data");
    let made = run(&["backup", backup, "--data", &data]).await;
    stop.store(true, Ordering::Relaxed);
    assert!(load.await.unwrap() > 0);
    let permissions =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(backup).unwrap().permissions());
    assert_eq!(permissions & 0o777, 0o600);
    let left = std::fs::exists(directory.path("data/backup.copy")).unwrap();
    assert!(!left, "the copy in the clear is gone");
    made.done()
}

async fn is_sealed(server: &Server, scene: &Scene) {
    let answer = leads(server, &scene.kept[0].1).await;
    is_refused(&answer, 503, "sealed");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    let question = json!({"credential": scene.kept[0].1, "method": "GET", "path": "/v1/leads"});
    let decided = post(&server.internal("/v1/verify"), "", &question).await;
    assert_eq!(decided.status, 503, "{decided:?}");
    assert_eq!(decided.json()["reason"], "stale", "{decided:?}");
    let sign_in = json!({"email": "admin@acme.test", "password": "not this one at all"});
    let url = server.public("/v1/sessions");
    let started = send("POST", &url, None, Some(&sign_in)).await.unwrap();
    assert_eq!(started.status, 503, "{started:?}");
    let ready = get(&server.internal("/readyz"), "").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["reason"], "sealed", "{ready:?}");
}

fn is_refused(answer: &Answer, status: u16, reason: &str) {
    assert_eq!((answer.status, &*answer.reason()), (status, reason));
}

fn refused_untouched(ran: &Ran, data: &str, what: &str) {
    assert_eq!(ran.code, 6, "{what}: {ran:?}");
    assert!(
        ran.stderr.contains("nothing was touched"),
        "{what}: {ran:?}"
    );
    for name in ["claviger.db", "claviger.db.restoring"] {
        let there = std::fs::exists(format!("{data}/{name}")).unwrap();
        assert!(!there, "{what}: {name}");
    }
}

async fn leads(server: &Server, key: &str) -> Answer {
    get(&server.public("/demo/v1/leads"), key).await
}

/// A new key, its id and text.
async fn create(server: &Server) -> (String, String) {
    let body = json!({"name": "Key", "scopes": ["read:leads", "read:properties"]});
    let (url, session) = (server.public("/api/keys"), server.text("/session_token"));
    let answer = send("POST", &url, Some(session), Some(&body))
        .await
        .unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    let shown = answer.json();
    let text = |member: &str| shown[member].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}
