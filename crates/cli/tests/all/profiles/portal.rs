//! The click paths of the documents in a real browser, each on its profile.

use serde_json::json;

use super::instance::{ADMIN, PASSWORD, Profile};
use crate::portal::browse;

#[tokio::test]
async fn document_000_is_clicked_through() {
    click_through("000").await;
}

#[tokio::test]
async fn document_001_is_clicked_through() {
    click_through("001").await;
}

#[tokio::test]
async fn document_002_is_clicked_through() {
    click_through("002").await;
}

#[tokio::test]
async fn document_004_is_clicked_through() {
    click_through("004").await;
}

/// Goes the way of a document, as `e2e/portal/journeys/document_….mjs` has it.
async fn click_through(name: &str) {
    let profile = Profile::start_for_browsers(name).await;
    let facts = json!({
        "base": profile.url(""),
        "internal": format!("http://{}", profile.server.text("/internal_listen")),
        "session": profile.session,
        "email": ADMIN,
        "password": PASSWORD,
    });
    browse(&format!("journeys/document_{name}.mjs"), facts).await;
}
