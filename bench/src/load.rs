//! The load: keep-alive connections that send one request after another and check each answer.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::Plan;
use crate::server::Process;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// One request, as bytes, and what its answers have to be.
#[derive(Clone)]
pub(crate) struct Work {
    request: Arc<[u8]>,
    /// How each answer has to begin: a 200, unless something is made.
    status: &'static [u8],
    /// What each answer has to hold.
    expected: Arc<[u8]>,
    /// Whether each answer has to be another one than the last.
    is_new_each_time: bool,
}

/// Who asks for tokens.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// What one run saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// Answers a second.
    pub(crate) rate: f64,
    /// The server's own processor time an answer, in microseconds.
    pub(crate) processor_micros: f64,
}

impl Work {
    /// A POST of JSON.
    pub(crate) fn post(path: &str, body: &str, expected: &str) -> Self {
        Self::new("POST", path, &[("Content-Type", JSON)], body, expected)
    }

    /// A POST of JSON by somebody with a bearer token, which makes something.
    pub(crate) fn post_as(path: &str, bearer: &str, body: &str) -> Self {
        let bearer = format!("Bearer {bearer}");
        let headers = [("Content-Type", JSON), ("Authorization", &*bearer)];
        Self {
            status: b"HTTP/1.1 201",
            ..Self::new("POST", path, &headers, body, "")
        }
    }

    /// A POST of a form by a client that authenticates itself.
    pub(crate) fn form(path: &str, client: &Client, form: &str, expected: &str) -> Self {
        let headers = [("Content-Type", FORM), ("Authorization", &client.basic())];
        Self::new("POST", path, &headers, form, expected)
    }

    /// A GET.
    pub(crate) fn get(path: &str, headers: &[(&str, &str)]) -> Self {
        Self::new("GET", path, headers, "", "")
    }

    /// The same work, whose answers have to differ.
    pub(crate) fn new_each_time(self) -> Self {
        Self {
            is_new_each_time: true,
            ..self
        }
    }

    fn new(method: &str, path: &str, headers: &[(&str, &str)], body: &str, expected: &str) -> Self {
        let mut lines = String::new();
        for (name, value) in headers {
            lines.extend([name, ": ", value, "\r\n"]);
        }
        if !body.is_empty() {
            lines.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
        }
        let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n{body}");
        Self {
            request: request.as_bytes().into(),
            status: b"HTTP/1.1 200",
            expected: expected.as_bytes().into(),
            is_new_each_time: false,
        }
    }

    fn is_right(&self, answer: &[u8], last: &[u8]) -> bool {
        let expected = &*self.expected;
        let holds = expected.is_empty() || answer.windows(expected.len()).any(|at| at == expected);
        let is_new = !self.is_new_each_time || answer != last;
        answer.starts_with(self.status) && holds && is_new
    }
}

impl Client {
    /// Both percent-encoded, as RFC 6749 section 2.3.1 has it; neither holds what that changes.
    fn basic(&self) -> String {
        let pair = format!("{}:{}", self.id, self.secret);
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    }
}

/// The body of one answer, for what is needed before a run.
pub(crate) async fn once(address: SocketAddr, work: &Work) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&work.request).await?;
    let mut buffer = Vec::new();
    let end = answer(&mut stream, &mut buffer).await?;
    let text = String::from_utf8_lossy(&buffer[..end]).into_owned();
    if !work.is_right(text.as_bytes(), &[]) {
        bail!("a wrong answer: {text}");
    }
    let (_, body) = text.split_once("\r\n\r\n").context("an answer")?;
    Ok(body.to_owned())
}

/// One run of the load against a server.
pub(crate) async fn run(
    process: &Process,
    address: SocketAddr,
    work: &Work,
    plan: Plan,
) -> Result<Reading> {
    // What is cold is not measured.
    answers(address, work, plan.connections, plan.run / 8).await?;
    let processor = process.processor_seconds()?;
    let begun = Instant::now();
    let count = answers(address, work, plan.connections, plan.run).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let processor = process.processor_seconds()? - processor;
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let count = count as f64;
    Ok(Reading {
        rate: count / seconds,
        processor_micros: processor * 1e6 / count,
    })
}

async fn answers(
    address: SocketAddr,
    work: &Work,
    connections: usize,
    time: Duration,
) -> Result<u64> {
    let until = Instant::now() + time;
    asked(address, work, connections, move || Instant::now() < until).await
}

/// Sends exactly `count` requests, as fast as they are answered.
pub(crate) async fn exactly(
    address: SocketAddr,
    work: &Work,
    connections: usize,
    count: u64,
) -> Result<()> {
    let left = Rc::new(Cell::new(count));
    let one_more = move || {
        let now = left.get();
        left.set(now.saturating_sub(1));
        now > 0
    };
    asked(address, work, connections, one_more).await?;
    Ok(())
}

/// Sends requests as long as there is to be one more; how many were answered.
async fn asked(
    address: SocketAddr,
    work: &Work,
    connections: usize,
    one_more: impl Fn() -> bool + Clone + 'static,
) -> Result<u64> {
    let local = LocalSet::new();
    let clients: Vec<_> = (0..connections)
        .map(|_| local.spawn_local(client(address, work.clone(), one_more.clone())))
        .collect();
    let mut count = 0;
    local
        .run_until(async {
            for client in clients {
                count += client.await??;
            }
            Ok::<_, anyhow::Error>(())
        })
        .await?;
    Ok(count)
}

async fn client(address: SocketAddr, work: Work, one_more: impl Fn() -> bool) -> Result<u64> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(8 * 1024);
    let mut last = Vec::with_capacity(4 * 1024);
    let mut count = 0;
    while one_more() {
        stream.write_all(&work.request).await?;
        let end = answer(&mut stream, &mut buffer).await?;
        if !work.is_right(&buffer[..end], &last) {
            bail!(
                "a wrong answer: {}",
                String::from_utf8_lossy(&buffer[..end])
            );
        }
        if work.is_new_each_time {
            last.clear();
            last.extend_from_slice(&buffer[..end]);
        }
        buffer.drain(..end);
        count += 1;
    }
    Ok(count)
}

/// Reads one whole answer; its length in the buffer.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<usize> {
    loop {
        if let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let end = head + 4 + content_length(&buffer[..head])?;
            if buffer.len() >= end {
                return Ok(end);
            }
        }
        if stream.read_buf(buffer).await? == 0 {
            bail!("the connection was closed");
        }
    }
}

fn content_length(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head)?;
    let value = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim())
    });
    value
        .context("an answer without Content-Length")?
        .parse()
        .context("Content-Length")
}
