use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use claviger_web::server::Settings;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::{get as request, start};

/// Answers `/` at once, and `/wait` when it is let.
fn router(gate: &Arc<Semaphore>) -> Router {
    let gate = Arc::clone(gate);
    let wait = move || async move {
        gate.acquire().await.unwrap().forget();
        "waited"
    };
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/wait", get(wait))
}

#[tokio::test]
async fn above_the_cap_connections_wait_for_a_slot() {
    let gate = Arc::new(Semaphore::new(0));
    let settings = Settings {
        connections_max: 2,
        ..Settings::default()
    };
    let server = start(router(&gate), settings).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    first.send(&request("/wait")).await;
    second.send(&request("/wait")).await;
    let mut third = server.connect().await;
    third.send(&request("/")).await;
    assert!(
        timeout(Duration::from_millis(200), third.answer())
            .await
            .is_err()
    );
    drop(first);
    assert_eq!(third.answer().await.body, "hello");
    gate.add_permits(1);
    assert_eq!(second.answer().await.body, "waited");
}

#[tokio::test]
async fn when_few_are_left_connections_are_closed_after_their_answer() {
    let settings = Settings {
        connections_max: 16,
        ..Settings::default()
    };
    let gate = Arc::new(Semaphore::new(0));
    let server = start(router(&gate), settings).await;
    let (mut idle, mut closed) = (JoinSet::new(), 0);
    for number in 0..15 {
        let mut client = server.connect().await;
        let is_last = client.get("/").await.closes();
        assert!(!is_last || number > 8, "there are enough left");
        closed += usize::from(is_last);
        idle.spawn(async move { client.rest().await });
    }
    assert!(closed > 0, "nobody is asked to go");
    while idle.len() > 15 - closed {
        idle.join_next().await;
    }
    let _silent = [server.connect().await, server.connect().await];
    // Long before it would have to otherwise.
    assert_eq!(idle.join_next().await.unwrap().unwrap(), "");
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
