//! The load: keep-alive connections that send one request after another and check each answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::Plan;
use crate::server::Process;

/// One request, as bytes, and what its answer has to hold.
pub(crate) struct Work {
    request: Arc<[u8]>,
    expected: Arc<[u8]>,
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
    /// A POST of JSON whose answer holds `expected`.
    pub(crate) fn post(path: &str, body: &str, expected: &str) -> Self {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        Self {
            request: request.as_bytes().into(),
            expected: expected.as_bytes().into(),
        }
    }

    /// A GET that has to be answered 200.
    pub(crate) fn get(path: &str, headers: &[(&str, &str)]) -> Self {
        let mut lines = String::new();
        for (name, value) in headers {
            lines.extend([name, ": ", value, "\r\n"]);
        }
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n");
        Self {
            request: request.as_bytes().into(),
            expected: b"HTTP/1.1 200".as_slice().into(),
        }
    }
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
    let local = LocalSet::new();
    let clients: Vec<_> = (0..connections)
        .map(|_| {
            let (request, expected) = (Arc::clone(&work.request), Arc::clone(&work.expected));
            local.spawn_local(client(address, request, expected, until))
        })
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

async fn client(
    address: SocketAddr,
    request: Arc<[u8]>,
    expected: Arc<[u8]>,
    until: Instant,
) -> Result<u64> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(8 * 1024);
    let mut count = 0;
    while Instant::now() < until {
        stream.write_all(&request).await?;
        let end = answer(&mut stream, &mut buffer).await?;
        if !buffer[..end]
            .windows(expected.len())
            .any(|window| *window == *expected)
        {
            bail!(
                "a wrong answer: {}",
                String::from_utf8_lossy(&buffer[..end])
            );
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
