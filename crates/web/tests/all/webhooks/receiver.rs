//! A server that receives webhooks and checks them with code of its own.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A message that came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// What is answered next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// This status.
    Status(u16),
    /// Nothing at all; the connection stays open.
    Silence,
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    answers: VecDeque<Answer>,
    always: Option<Answer>,
}

pub(crate) struct Receiver {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State::default()));
        let inside = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&inside)));
            }
        });
        Self {
            url: format!("http://{address}/told?by=claviger"),
            state,
        }
    }

    /// What the next messages are answered with; after them 204.
    pub(crate) fn answers(&self, answers: &[Answer]) {
        self.state.lock().expect("a lock").answers.extend(answers);
    }

    /// What all messages are answered with.
    pub(crate) fn always(&self, answer: Answer) {
        self.state.lock().expect("a lock").always = Some(answer);
    }

    /// What came so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.lock().expect("a lock").received.clone()
    }

    /// Waits until so many came.
    pub(crate) async fn wait_for(&self, count: usize) {
        let came = async {
            while self.received().len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), came)
            .await
            .unwrap_or_else(|_| panic!("{count} messages: {:?}", self.received()));
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        let mut chunk = [0; 4_096];
        let read = stream.read(&mut chunk).await.unwrap_or_default();
        if read == 0 {
            return;
        }
        bytes.extend_from_slice(&chunk[..read]);
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let headers = headers(&head);
            let length: usize = headers["content-length"].parse().expect("a length");
            if bytes.len() >= end + 4 + length {
                break (head, length);
            }
        }
    };
    let body = String::from_utf8(bytes[bytes.len() - length..].to_vec()).expect("UTF-8");
    assert!(
        head.starts_with("POST /told?by=claviger HTTP/1.1"),
        "{head}"
    );
    let answer = {
        let mut state = state.lock().expect("a lock");
        state.received.push(Received {
            headers: headers(&head),
            body,
        });
        let next = state.answers.pop_front();
        state.always.or(next).unwrap_or(Answer::Status(204))
    };
    match answer {
        Answer::Status(status) => {
            let location = "location: http://127.0.0.1:9/elsewhere\r\n";
            let answer = format!(
                "HTTP/1.1 {status} X\r\n{location}content-length: 0\r\nconnection: close\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
        Answer::Silence => std::future::pending().await,
    }
}

fn headers(head: &str) -> BTreeMap<String, String> {
    let lines = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "));
    lines
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect()
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    pub(crate) fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    /// Whether one of its signatures was made with this secret.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let key = secret.strip_prefix("whsec_").expect("a prefix");
        let key = STANDARD.decode(key).expect("base64");
        let timestamp = &self.headers["webhook-timestamp"];
        let signed = format!("{}.{timestamp}.{}", self.id(), self.body);
        let expected = format!("v1,{}", STANDARD.encode(hmac(&key, signed.as_bytes())));
        let mut signatures = self.headers["webhook-signature"].split(' ');
        signatures.any(|signature| signature == expected)
    }
}

/// HMAC-SHA-256 as RFC 2104 writes it, from nothing but the hash.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    assert!(key.len() <= 64);
    let padded = |with: u8| {
        let mut block = [with; 64];
        for (slot, byte) in block.iter_mut().zip(key) {
            *slot ^= byte;
        }
        block.to_vec()
    };
    let inner = digest(&SHA256, &[padded(0x36), message.to_vec()].concat());
    let outer = [padded(0x5c), inner.as_ref().to_vec()].concat();
    digest(&SHA256, &outer).as_ref().to_vec()
}
