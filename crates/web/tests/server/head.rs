use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use claviger_web::server::{Peer, Settings, bind};

use crate::support::{Client, start, start_on, within};

fn router() -> Router {
    Router::new().route("/", get(|| async { "hello" })).route(
        "/peer",
        get(|Extension(Peer(peer)): Extension<Peer>| async move { peer.to_string() }),
    )
}

fn impatient() -> Settings {
    Settings {
        header_timeout: Duration::from_secs(1),
        ..Settings::default()
    }
}

#[tokio::test]
async fn a_head_that_does_not_end_closes_the_connection() {
    let server = start(router(), impatient()).await;
    let mut slow = server.connect().await;
    slow.send("GET / HTTP/1.1\r\nhost: edge\r\nx-slow: ").await;
    assert_eq!(server.connect().await.get("/").await.body, "hello");
    assert_eq!(slow.rest().await, "");
}

#[tokio::test]
async fn a_second_head_that_does_not_end_closes_the_connection_too() {
    let server = start(router(), impatient()).await;
    let mut slow = server.connect().await;
    assert_eq!(slow.get("/").await.body, "hello");
    slow.send("GET / HTTP/1.1\r\n").await;
    assert_eq!(slow.rest().await, "");
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let server = start(router(), impatient()).await;
    assert_eq!(server.connect().await.rest().await, "");
}

#[tokio::test]
async fn an_idle_connection_lives_longer_than_a_head_may_take() {
    let settings = Settings {
        idle_timeout: Duration::from_secs(4),
        ..impatient()
    };
    let server = start(router(), settings).await;
    let mut client = server.connect().await;
    client.get("/").await;
    let silence = tokio::time::timeout(Duration::from_secs(2), client.rest()).await;
    assert!(silence.is_err(), "closed while it may idle");
    assert_eq!(client.get("/").await.body, "hello");
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_head_above_its_limits_is_431() {
    let server = start(router(), Settings::default()).await;
    let huge = "x".repeat(33_000);
    let many = "x: y\r\n".repeat(101);
    for request in [
        format!("GET / HTTP/1.1\r\nhost: edge\r\nx-huge: {huge}\r\n\r\n"),
        format!("GET /{huge} HTTP/1.1\r\nhost: edge\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: edge\r\n{many}\r\n"),
    ] {
        let mut client = server.connect().await;
        client.send(&request).await;
        let answer = client.answer().await;
        assert_eq!(
            (answer.status, answer.closes()),
            (431, true),
            "{}",
            answer.head
        );
        assert_eq!(client.rest().await, "");
    }
    let fits = "x".repeat(31_000);
    let mut client = server.connect().await;
    client
        .send(&format!(
            "GET / HTTP/1.1\r\nhost: edge\r\nx-large: {fits}\r\n\r\n"
        ))
        .await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn a_head_in_pieces_and_two_heads_in_one_are_read() {
    let server = start(router(), Settings::default()).await;
    let mut client = server.connect().await;
    for piece in ["P", "RI", " * HTT", "X"] {
        client.send(piece).await;
    }
    client.send("\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 400);
    let mut client = server.connect().await;
    client
        .send("GET / HTTP/1.1\r\nhost: edge\r\n\r\nGET /peer HTTP/1.1\r\n")
        .await;
    assert_eq!(client.answer().await.body, "hello");
    client.send("host: edge\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn handlers_are_told_the_peer() {
    let server = start(router(), Settings::default()).await;
    let mut client = server.connect().await;
    let own = client.stream.local_addr().unwrap().to_string();
    assert_eq!(client.get("/peer").await.body, own);
    assert_eq!(client.get("/peer").await.body, own);
}

#[tokio::test]
async fn an_ipv4_peer_of_an_ipv6_listener_is_an_ipv4_peer() {
    let Ok(bound) = bind("[::]:0", "--listen").await else {
        return; // a machine without IPv6
    };
    let server = start_on(bound, router(), Settings::default());
    let address = ("127.0.0.1", server.address.port());
    let mut client = Client::new(
        within(tokio::net::TcpStream::connect(address))
            .await
            .unwrap(),
    );
    let own = client.stream.local_addr().unwrap().to_string();
    assert_eq!(client.get("/peer").await.body, own);
}
