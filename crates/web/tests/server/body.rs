use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use claviger_web::server::{BodyError, Settings, read_body};
use http::StatusCode;
use tokio::io::AsyncReadExt;

use crate::support::{Running, start, within};

async fn length(body: Body) -> (StatusCode, String) {
    match read_body(body).await {
        Ok(bytes) => (StatusCode::OK, bytes.len().to_string()),
        Err(error @ BodyError::TooLarge { .. }) => {
            (StatusCode::PAYLOAD_TOO_LARGE, error.to_string())
        }
        Err(error @ BodyError::TooSlow) => (StatusCode::REQUEST_TIMEOUT, error.to_string()),
        Err(error @ BodyError::Broken) => (StatusCode::BAD_REQUEST, error.to_string()),
    }
}

async fn serve() -> Running {
    serve_with(Settings::default()).await
}

async fn serve_with(settings: Settings) -> Running {
    let router = Router::new()
        .route("/", post(length))
        .route("/import/{id}", post(length))
        .route("/unread", post(|| async { StatusCode::UNAUTHORIZED }));
    start(router, settings).await
}

fn declared(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: edge\r\ncontent-length: {length}\r\n\r\n")
}

fn chunked(path: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: edge\r\ntransfer-encoding: chunked\r\n\r\n")
}

#[tokio::test]
async fn bodies_up_to_the_limit_are_read_and_the_connection_goes_on() {
    let server = serve().await;
    let mut client = server.connect().await;
    for (path, length) in [("/", 0), ("/", 1), ("/", 1_000), ("/import/a", 100_000)] {
        client.send(&declared(path, length)).await;
        client.send(&"x".repeat(length)).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.body), (200, length.to_string()));
        assert!(!answer.head.contains("connection"), "{}", answer.head);
    }
    client.send(&chunked("/")).await;
    client
        .send("2\r\nab\r\n3\r\ncde\r\n1\r\nf\r\n0\r\n\r\n")
        .await;
    assert_eq!(client.answer().await.body, "6");
    assert_eq!(client.get("/").await.status, 405);
}

#[tokio::test]
async fn a_declared_length_above_the_limit_is_refused_before_reading() {
    let server = serve().await;
    for (path, length) in [
        ("/", 1_001),
        ("/import/a/b", 2_000_000),
        ("/import/a", 100_001),
    ] {
        let mut client = server.connect().await;
        let head = declared(path, length).replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n");
        client.send(&head).await;
        let answer = client.answer().await;
        if path == "/import/a/b" {
            assert_eq!(answer.status, 404);
        } else {
            assert_eq!(
                (answer.status, answer.closes()),
                (413, true),
                "{}",
                answer.head
            );
        }
        assert_eq!(client.rest().await, "");
    }
}

#[tokio::test]
async fn a_chunked_body_is_cut_at_the_limit() {
    let server = serve().await;
    let mut client = server.connect().await;
    client.send(&chunked("/")).await;
    let chunk = format!("190\r\n{}\r\n", "x".repeat(400));
    client.send(&chunk.repeat(3)).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.closes()), (413, true));
    assert_eq!(answer.body, "the request body is larger than 1000 bytes");
}

#[tokio::test]
async fn who_goes_on_sending_still_gets_the_refusal() {
    let server = serve().await;
    let mut client = server.connect().await;
    client.send(&declared("/", 12_000_000)).await;
    client.send(&"x".repeat(6_000_000)).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.closes()), (413, true));
    client.send(&"x".repeat(6_000_000)).await;
    let end = within(client.stream.read(&mut [0; 1])).await;
    assert_eq!(end.expect("closed, not reset"), 0);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408() {
    let server = serve_with(Settings {
        body_timeout: Duration::from_millis(200),
        ..Settings::default()
    })
    .await;
    for head in [declared("/", 10), chunked("/")] {
        let mut client = server.connect().await;
        client.send(&head).await;
        let answer = client.answer().await;
        assert_eq!(
            (answer.status, answer.closes()),
            (408, true),
            "{}",
            answer.head
        );
        assert_eq!(client.rest().await, "");
    }
}

#[tokio::test]
async fn a_broken_body_is_400() {
    let server = serve().await;
    let mut client = server.connect().await;
    client.send(&chunked("/")).await;
    client.send("nonsense\r\n").await;
    assert_eq!(client.answer().await.status, 400);
}

#[tokio::test]
async fn an_answer_without_reading_the_body_ends_the_connection_openly() {
    let server = serve().await;
    let mut client = server.connect().await;
    client.send(&declared("/unread", 500)).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.closes()), (401, true));
    assert_eq!(client.rest().await, "");
}
