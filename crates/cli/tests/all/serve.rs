//! `claviger init`, `check` and `serve`: from nothing to a server, and its end.

use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::directory::Directory;
use crate::http::{head, parse, send};
use crate::program::{Server, run, run_with};

const PASSWORD: &str = "a password for tests";

/// An initialised directory; its configuration file, with free ports.
pub(crate) async fn initialised(directory: &Directory) -> String {
    let data = directory.path("data");
    let arguments = [
        "init",
        "--data",
        &data,
        "--operator-email",
        "root@example.com",
    ];
    let ran = run_with(&arguments, &format!("{PASSWORD}\n"), &[]).await;
    assert!(
        !ran.stdout.contains(PASSWORD) && !ran.stderr.contains(PASSWORD),
        "{ran:?}"
    );
    ran.done();
    let config = directory.path("data/claviger.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text
        .replace(
            "# public_listen = \"127.0.0.1:8080\"",
            "public_listen = \"127.0.0.1:0\"",
        )
        .replace(
            "# internal_listen = \"127.0.0.1:8081\"",
            "internal_listen = \"127.0.0.1:0\"",
        );
    std::fs::write(&config, text).unwrap();
    config
}

#[tokio::test]
async fn init_check_serve_and_sign_in() {
    let directory = Directory::new();
    let config = initialised(&directory).await;
    let checked = run(&["check", "--config", &config, "--json"]).await.json();
    for finding in checked.as_array().unwrap() {
        assert_eq!(finding["ok"], json!(true), "{finding}");
    }
    let server = Server::serve(&directory, &config).await;
    let body = json!({"email": "root@example.com", "password": PASSWORD});
    let url = format!("http://{}/v1/sessions", server.text("/public_listen"));
    let signed_in = send("POST", &url, None, Some(&body)).await.unwrap();
    assert_eq!(signed_in.status, 201, "{signed_in:?}");
    let health = format!("http://{}/readyz", server.text("/internal_listen"));
    assert_eq!(send("GET", &health, None, None).await.unwrap().status, 200);
    let wrote = server.stop().await;
    assert!(!wrote.contains(PASSWORD));
}

#[tokio::test]
async fn apis_of_the_file_are_there_when_the_server_is_ready() {
    let directory = Directory::new();
    let config = initialised(&directory).await;
    let text = std::fs::read_to_string(&config).unwrap();
    let declared = |name: &str| {
        let api = format!("\n[[apis]]\nname = \"{name}\"\naudience = \"https://a.example.com\"\n");
        std::fs::write(&config, format!("{text}{api}")).unwrap();
    };
    for name in ["Leads", "Leads", "Leads API"] {
        declared(name);
        let server = Server::serve(&directory, &config).await;
        let listed = run(&["api", "list", "--config", &config, "--json"])
            .await
            .json();
        assert_eq!(listed.as_array().map(Vec::len), Some(1));
        assert_eq!(listed[0]["name"], json!(name));
        server.stop().await;
    }
    let audited = ["audit", "list", "--actor", "config", "--config", &config];
    let audited = run(&[&audited[..], &["--json"]].concat()).await.json();
    let actions = audited
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["action"]);
    assert_eq!(
        actions.collect::<Vec<_>>(),
        [&json!("api.changed"), &json!("api.created")]
    );
}

#[tokio::test]
async fn init_overwrites_nothing() {
    let directory = Directory::new();
    let config = initialised(&directory).await;
    let before = crate::directory::files(directory.root());
    let data = directory.path("data");
    let ran = run(&[
        "init",
        "--data",
        &data,
        "--operator-email",
        "eve@example.com",
    ])
    .await;
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.stderr.contains("has an operator already"), "{ran:?}");
    for (path, bytes) in before {
        if path.ends_with("master.key") || path.ends_with("claviger.toml") {
            assert_eq!(std::fs::read(&path).unwrap(), bytes, "{}", path.display());
        }
    }
    // Without its key the database is not taken for a new instance.
    std::fs::remove_file(directory.path("data/master.key")).unwrap();
    let ran = run(&[
        "init",
        "--config",
        &config,
        "--operator-email",
        "eve@example.com",
    ])
    .await;
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(!std::path::Path::new(&directory.path("data/master.key")).exists());
}

#[tokio::test]
async fn a_master_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let directory = Directory::new();
    let config = initialised(&directory).await;
    let key = directory.path("data/master.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ran = run(&["serve", "--config", &config]).await;
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.stderr.contains("hint: chmod 600"), "{ran:?}");
    let ran = run(&["check", "--config", &config]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("others can read"), "{ran:?}");
}

/// What `check` says of one thing, and of it what to do.
async fn finding(config: &str, check: &str) -> (bool, String) {
    let ran = run(&["check", "--config", config, "--json"]).await;
    let findings: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let mut findings = findings.as_array().unwrap().iter();
    let found = findings.find(|one| one["check"] == check).unwrap();
    assert_eq!(ran.code == 0, found["ok"] == true, "{ran:?}");
    let told = format!("{} {}", found["message"], found["hint"]);
    (found["ok"] == true, told)
}

#[tokio::test]
async fn files_with_secrets_are_looked_at_before_they_are_needed() {
    use std::os::unix::fs::PermissionsExt;
    let directory = Directory::new();
    let config = initialised(&directory).await;
    let text = std::fs::read_to_string(&config).unwrap();
    let mail = "[mail]\nfrom = \"keys@example.com\"\ntransport = \"smtp\"\nsmtp_host = \"mail.example.com\"\n\
                smtp_user = \"claviger\"\nsmtp_password_file = \"smtp.password\"";
    let registration =
        "[oauth]\ndynamic_registration = true\nregistration_token_file = \"first.token\"";
    for (check, section, told, file, secret) in [
        ("mail password", "[mail]", mail, "smtp.password", "a secret"),
        (
            "registration token",
            "[oauth]",
            registration,
            "first.token",
            "a-token-of-more-than-thirty-two-characters",
        ),
    ] {
        let written = text.replacen(&format!("\n{section}\n"), &format!("\n{told}\n"), 1);
        assert_ne!(written, text);
        std::fs::write(&config, written).unwrap();
        let (is_fine, told) = finding(&config, check).await;
        assert!(!is_fine && told.contains("cannot be read"), "{told}");
        assert!(told.contains("on one line"), "{told}");
        let path = directory.write(&format!("data/{file}"), "\n");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let (is_fine, told) = finding(&config, check).await;
        assert!(!is_fine && told.contains("must hold"), "{told}");
        std::fs::write(&path, format!("{secret}\n")).unwrap();
        let (is_fine, told) = finding(&config, check).await;
        assert!(
            is_fine && told.contains(&path) && !told.contains(secret),
            "{told}"
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let (is_fine, told) = finding(&config, check).await;
        assert!(!is_fine && told.contains("others can read"), "{told}");
        assert!(told.contains("chmod 600"), "{told}");
    }
}

#[tokio::test]
async fn a_draining_server_gives_each_connection_one_more_answer() {
    let directory = Directory::new();
    let mut server = Server::dev(&directory).await;
    let authority = server
        .text("/public_url")
        .strip_prefix("http://")
        .unwrap()
        .to_owned();
    let mut stream = TcpStream::connect(&authority).await.unwrap();
    let request = |connection: &str| {
        let key = server.text("/live_key");
        head(
            "GET",
            &authority,
            "/demo/v1/leads",
            Some(key),
            None,
            connection,
        )
    };
    let request = request("keep-alive");
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = read_answer(&mut stream).await;
    assert_eq!((answer.status, answer.header("connection")), (200, None));

    server.signal(Signal::TERM);
    // The signal takes its time to arrive; from then on one more answer comes, and none is lost.
    loop {
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read_answer(&mut stream).await;
        assert_eq!(answer.status, 200);
        if answer.header("connection") == Some("close") {
            break;
        }
    }
    let (status, _) = server.ended().await;
    assert!(status.success(), "{status}");
    assert!(server.stderr().contains("SIGTERM"));
}

/// Reads until the answer is whole.
async fn read_answer(stream: &mut TcpStream) -> crate::http::Answer {
    let mut text = Vec::new();
    loop {
        if let Some(answer) = parse(std::str::from_utf8(&text).unwrap()) {
            return answer;
        }
        let read = stream.read_buf(&mut text).await.unwrap();
        assert!(read > 0, "the connection ended early");
    }
}
