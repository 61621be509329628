use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use claviger_web::server::{BodyLimits, Bound, Drain, Drained, Edge, Lanes, Settings, bind};
use http::{Response, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Nothing here takes that long unless it is broken.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) drain: Drain,
    task: JoinHandle<Drained>,
}

impl Running {
    pub(crate) async fn connect(&self) -> Client<TcpStream> {
        Client::new(within(TcpStream::connect(self.address)).await.unwrap())
    }

    pub(crate) async fn end(self) -> Drained {
        within(self.task).await.unwrap()
    }
}

pub(crate) async fn start(router: Router, settings: Settings) -> Running {
    start_on(
        bind("127.0.0.1:0", "--listen").await.unwrap(),
        router,
        settings,
    )
}

pub(crate) fn start_on(bound: Bound, router: Router, settings: Settings) -> Running {
    let address = bound.local_address();
    let drain = Drain::new();
    let edge = Edge {
        settings,
        body_limits: BodyLimits::new(1_000).allow("/import/{id}", 100_000),
        on_panic: Arc::new(|method, uri| {
            let mut response = Response::new(Body::from(format!("oops {method} {uri}")));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }),
        drain: drain.clone(),
    };
    let lanes = Lanes::start("test").unwrap();
    let task = tokio::spawn(bound.on(lanes).serve(move || router.clone(), edge));
    Running {
        address,
        drain,
        task,
    }
}

pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    timeout(DEADLINE, future)
        .await
        .expect("it should not take that long")
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn closes(&self) -> bool {
        self.head.contains("\r\nconnection: close\r\n")
    }
}

/// A client that writes what it is told and reads whole answers.
pub(crate) struct Client<S> {
    pub(crate) stream: S,
    unread: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        within(self.stream.write_all(text.as_bytes()))
            .await
            .unwrap();
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(&get(path)).await;
        self.answer().await
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        self.try_answer()
            .await
            .expect("an answer before the connection is closed")
    }

    /// `None` if the connection was closed before the answer was complete.
    pub(crate) async fn try_answer(&mut self) -> Option<Answer> {
        let head_bytes = loop {
            if let Some(at) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.read_more().await?;
        };
        let head = String::from_utf8(self.unread.drain(..head_bytes).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head
            .split("\r\n")
            .find_map(|line| line.strip_prefix("content-length: "));
        let body_bytes: usize = length.map_or(0, |length| length.parse().unwrap());
        while self.unread.len() < body_bytes {
            self.read_more().await?;
        }
        let body = String::from_utf8(self.unread.drain(..body_bytes).collect()).unwrap();
        Some(Answer { status, head, body })
    }

    /// Waits until the server closes; whatever comes before is returned.
    pub(crate) async fn rest(&mut self) -> String {
        while self.read_more().await.is_some() {}
        String::from_utf8(std::mem::take(&mut self.unread)).unwrap()
    }

    async fn read_more(&mut self) -> Option<()> {
        let read = within(self.stream.read_buf(&mut self.unread)).await;
        read.is_ok_and(|bytes| bytes > 0).then_some(())
    }
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: edge\r\n\r\n")
}
