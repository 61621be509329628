//! The app in `examples/app`, as its README says, with a person in a real browser.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::directory::Directory;
use crate::foreign::runtime_program;
use crate::foreign_apps::person;
use crate::program::Server;

const APP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/app/app.mjs");
const TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_example_app_connects_calls_refreshes_and_is_disconnected() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let (_app, url) = start(&server).await;
    let mut person = person(&server).await;

    let leads = "Your leads";
    let seen = person.visit(&url, &["Connect", "Allow"]).await;
    assert_eq!(seen.headings.first().unwrap(), "Leads on a page");
    assert_eq!(seen.headings.last().unwrap(), leads);
    let seen = person.visit(&url, &["Refresh", "Refresh"]).await;
    assert_eq!(seen.headings, [leads, leads, leads]);
    assert!(seen.text.contains("Refreshed 2 times."), "{seen:?}");

    let connected = server.public("/connected-apps");
    person
        .visit(&connected, &["Disconnect", "Disconnect"])
        .await;
    let seen = person.visit(&url, &[]).await;
    assert_eq!(seen.headings, ["Leads on a page"]);
    assert!(seen.text.contains("The connection has ended."), "{seen:?}");
}

/// Starts the app with what `claviger dev` printed; where it is.
async fn start(server: &Server) -> (Child, String) {
    let mut app = Command::new(runtime_program("CLAVIGER_TEST_NODE"))
        .arg(APP)
        .env("CLAVIGER_URL", server.text("/public_url"))
        .env("CLIENT_ID", server.text("/app/client_id"))
        .env("CLIENT_SECRET", server.text("/app/client_secret"))
        .env("PORT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(app.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(TIMEOUT, lines.next_line()).await;
    let line = line.expect("a line in time").unwrap().expect("a line");
    let url = line.strip_prefix("ready ").unwrap().to_owned();
    (app, url)
}
