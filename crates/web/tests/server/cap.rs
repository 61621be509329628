use std::time::Duration;

use axum::Router;
use axum::routing::get;
use claviger_web::server::Settings;
use tokio::time::timeout;

use crate::support::{get as request, start};

#[tokio::test]
async fn above_the_cap_connections_wait_for_a_slot() {
    let router = Router::new().route("/", get(|| async { "hello" }));
    let server = start(
        router,
        Settings {
            connections_max: 2,
            ..Settings::default()
        },
    )
    .await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    first.get("/").await;
    second.get("/").await;
    let mut third = server.connect().await;
    third.send(&request("/")).await;
    assert!(
        timeout(Duration::from_millis(200), third.answer())
            .await
            .is_err()
    );
    drop(first);
    assert_eq!(third.answer().await.body, "hello");
    assert_eq!(second.get("/").await.body, "hello");
}

#[tokio::test]
async fn a_thousand_connections_are_served() {
    let router = Router::new().route("/", get(|| async { "hello" }));
    let server = start(router, Settings::default()).await;
    claviger_web::server::raise_open_files(4096);
    let mut clients = Vec::new();
    for _ in 0..1_000 {
        clients.push(server.connect().await);
    }
    for client in &mut clients {
        assert_eq!(client.get("/").await.body, "hello");
    }
}
