use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use claviger_web::server::{BodyError, Drained, Settings, read_body};
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Frame;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

use crate::support::{Client, Running, start, within};

type Ask = SendRequest<Full<Bytes>>;

async fn connect(server: &Running) -> (Ask, JoinHandle<hyper::Result<()>>) {
    let stream = within(TcpStream::connect(server.address)).await.unwrap();
    let (ask, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    (ask, tokio::spawn(connection))
}

fn request(path: &str, body: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .uri(format!("http://edge{path}"))
        .method(if body.is_empty() { "GET" } else { "POST" })
        .body(Full::from(body.to_owned()))
        .unwrap()
}

async fn send(ask: &mut Ask, path: &str, body: &str) -> (StatusCode, String) {
    let response = within(ask.send_request(request(path, body))).await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    let status = response.status();
    let bytes = within(response.into_body().collect())
        .await
        .unwrap()
        .to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn length(body: Body) -> (StatusCode, String) {
    match read_body(body).await {
        Ok(bytes) => (StatusCode::OK, bytes.len().to_string()),
        Err(BodyError::TooSlow) => (StatusCode::REQUEST_TIMEOUT, String::new()),
        Err(_) => (StatusCode::PAYLOAD_TOO_LARGE, String::new()),
    }
}

async fn broken() -> &'static str {
    panic!("on purpose")
}

fn router() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/length", post(length))
        .route("/broken", get(broken))
}

#[tokio::test]
async fn prior_knowledge_is_enough() {
    let server = start(router(), Settings::default()).await;
    let (mut ask, _connection) = connect(&server).await;
    assert_eq!(
        send(&mut ask, "/", "").await,
        (StatusCode::OK, "hello".to_owned())
    );
    assert_eq!(
        send(&mut ask, "/length", "four").await,
        (StatusCode::OK, "4".to_owned())
    );
    let large = "x".repeat(1_001);
    assert_eq!(
        send(&mut ask, "/length", &large).await.0,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!(
        send(&mut ask, "/broken", "").await.0,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert_eq!(send(&mut ask, "/", "").await.1, "hello");
}

/// What `/length` answers to a body of unknown length.
async fn status_of(server: &Running, body: Body) -> StatusCode {
    let stream = within(TcpStream::connect(server.address)).await.unwrap();
    let (mut ask, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::post("http://edge/length").body(body).unwrap();
    within(ask.send_request(request)).await.unwrap().status()
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408() {
    let body_timeout = Duration::from_millis(200);
    let server = start(
        router(),
        Settings {
            body_timeout,
            ..Settings::default()
        },
    )
    .await;
    let never = Body::new(Undeclared(None));
    assert_eq!(status_of(&server, never).await, StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn a_body_without_a_declared_length_is_cut_at_the_limit() {
    let server = start(router(), Settings::default()).await;
    for (length, status) in [
        (1_000, StatusCode::OK),
        (1_001, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let body = Body::new(Undeclared(Some(Bytes::from(vec![b'x'; length]))));
        assert_eq!(status_of(&server, body).await, status);
    }
}

/// A body in one frame, or one that never comes.
struct Undeclared(Option<Bytes>);

impl hyper::body::Body for Undeclared {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.take() {
            Some(bytes) => {
                self.0 = Some(Bytes::new());
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            None => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_some_and(Bytes::is_empty)
    }
}

#[tokio::test]
async fn a_preface_alone_is_closed_when_it_idles() {
    let idle_timeout = Duration::from_secs(1);
    let server = start(
        router(),
        Settings {
            idle_timeout,
            ..Settings::default()
        },
    )
    .await;
    let mut client: Client<TcpStream> = server.connect().await;
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    client.send(&preface[..10]).await;
    client.send(&preface[10..]).await;
    let stream = &mut client.stream;
    let mut seen = Vec::new();
    within(tokio::io::AsyncReadExt::read_to_end(stream, &mut seen))
        .await
        .unwrap();
    assert!(!seen.is_empty(), "it answers with its settings");
}

#[tokio::test]
async fn draining_finishes_open_streams_and_takes_no_new_ones() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let gates = (Arc::clone(&entered), Arc::clone(&release));
    let handler = move || async move {
        gates.0.notify_one();
        let _permit = gates.1.acquire().await.unwrap();
        "finished"
    };
    let router = router().route("/slow", get(handler));
    let server = start(router, Settings::default()).await;
    let (mut ask, connection) = connect(&server).await;
    let mut second = ask.clone();
    let slow = tokio::spawn(async move { send(&mut second, "/slow", "").await });
    within(entered.notified()).await;
    let (_idle, idle_connection) = connect(&server).await;
    send(&mut ask, "/", "").await;
    server.drain.start();
    within(idle_connection).await.unwrap().unwrap();
    within(async { while ask.send_request(request("/", "")).await.is_ok() {} }).await;
    release.add_permits(1);
    assert_eq!(within(slow).await.unwrap().1, "finished");
    within(connection).await.unwrap().unwrap();
    assert_eq!(server.end().await, Drained { cut: 0 });
}
