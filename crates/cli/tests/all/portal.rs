//! The portal in a real browser: the programs of `e2e/portal` against the real binary.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::directory::Directory;
use crate::foreign::runtime_program;
use crate::program::Server;

const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../e2e/portal/");
const SCREENSHOTS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/../screenshots");
const NODE: &str = "CLAVIGER_TEST_NODE";
const CHROMIUM: &str = "CLAVIGER_TEST_CHROMIUM";
const TIMEOUT: Duration = Duration::from_secs(900);

#[tokio::test]
async fn the_checks_of_pages_see_what_is_wrong() {
    browse("checks/proof.mjs", json!({})).await;
}

#[tokio::test]
async fn each_page_passes_every_check_in_each_theme_and_width() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let mut facts = facts_of(&server);
    facts["screenshots"] = json!(SCREENSHOTS);
    browse("check.mjs", facts).await;
}

#[tokio::test]
async fn a_key_is_created_once_and_shown_once() {
    go("created_once").await;
}

#[tokio::test]
async fn what_was_typed_is_kept() {
    go("kept_input").await;
}

#[tokio::test]
async fn copied_is_said_of_what_was_copied() {
    go("clipboard").await;
}

#[tokio::test]
async fn no_flow_costs_more_than_it_may() {
    go("flows").await;
}

/// Goes a way of `e2e/portal/journeys` on an instance of its own.
async fn go(journey: &str) {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    browse(&format!("journeys/{journey}.mjs"), facts_of(&server)).await;
}

/// What a program has to know of `claviger dev`.
fn facts_of(server: &Server) -> Value {
    json!({
        "base": server.text("/public_url"),
        "internal": server.text("/internal_url"),
        "session": server.text("/session_token"),
        "email": server.text("/user/email"),
        "password": server.text("/user/password"),
    })
}

/// Runs a program of `e2e/portal` to its end, which has to be a good one.
pub(crate) async fn browse(program: &str, mut facts: Value) {
    facts["chromium"] = json!(runtime_program(CHROMIUM).to_str().unwrap());
    let mut child = Command::new(runtime_program(NODE))
        .arg(format!("{PROGRAMS}{program}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // A program that cannot start reads nothing, and says why.
    let _ = input.write_all(facts.to_string().as_bytes()).await;
    drop(input);
    let output = tokio::time::timeout(TIMEOUT, child.wait_with_output());
    let output = output.await.expect("the program ends").unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{program}: {said}");
}
