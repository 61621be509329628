//! The load: keep-alive connections that send one request after another and check each answer.

mod answer;
mod work;

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::latency::Latencies;
use crate::plan::Plan;
use crate::server::Process;

pub(crate) use answer::end_of_answer;
pub(crate) use work::{Client, Draws, Work, question};

/// What one run saw.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// Answers a second.
    pub(crate) rate: f64,
    /// The server's own processor time an answer, in microseconds.
    pub(crate) processor_micros: f64,
    /// How long the load waited for answers.
    pub(crate) latencies: Latencies,
}

/// The body of one answer, for what is needed before a run.
pub(crate) async fn once(address: SocketAddr, work: &Work) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let mut request = Vec::new();
    let request = work.request(&mut Draws::new(0), &mut request);
    stream.write_all(request).await?;
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
    let latencies = answers(address, work, plan.connections, plan.run).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let processor = process.processor_seconds()? - processor;
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let count = latencies.total() as f64;
    Ok(Reading {
        rate: count / seconds,
        processor_micros: processor * 1e6 / count,
        latencies,
    })
}

/// Sends requests for a time, as fast as they are answered.
pub(crate) async fn answers(
    address: SocketAddr,
    work: &Work,
    connections: usize,
    time: Duration,
) -> Result<Latencies> {
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

/// Sends requests as long as there is to be one more; how long the answers took.
async fn asked(
    address: SocketAddr,
    work: &Work,
    connections: usize,
    one_more: impl Fn() -> bool + Clone + 'static,
) -> Result<Latencies> {
    let local = LocalSet::new();
    let clients: Vec<_> = (0..connections)
        .map(|number| {
            let client = client(address, work.clone(), number as u64, one_more.clone());
            local.spawn_local(client)
        })
        .collect();
    let mut latencies = Latencies::default();
    local
        .run_until(async {
            for client in clients {
                latencies.merge(&client.await??);
            }
            Ok::<_, anyhow::Error>(())
        })
        .await?;
    Ok(latencies)
}

async fn client(
    address: SocketAddr,
    work: Work,
    number: u64,
    one_more: impl Fn() -> bool,
) -> Result<Latencies> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut draws = Draws::new(number);
    let mut request = Vec::with_capacity(1024);
    let mut buffer = Vec::with_capacity(8 * 1024);
    let mut last = Vec::with_capacity(4 * 1024);
    let mut latencies = Latencies::default();
    while one_more() {
        let request = work.request(&mut draws, &mut request);
        let sent = Instant::now();
        stream.write_all(request).await?;
        let end = answer(&mut stream, &mut buffer).await?;
        latencies.add(sent.elapsed());
        if !work.is_right(&buffer[..end], &last) {
            bail!(
                "a wrong answer: {}",
                String::from_utf8_lossy(&buffer[..end])
            );
        }
        if work.is_new_each_time() {
            last.clear();
            last.extend_from_slice(&buffer[..end]);
        }
        buffer.drain(..end);
    }
    Ok(latencies)
}

/// Reads one whole answer; its length in the buffer.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<usize> {
    loop {
        if let Some(end) = end_of_answer(buffer)? {
            return Ok(end);
        }
        if stream.read_buf(buffer).await? == 0 {
            bail!("the connection was closed");
        }
    }
}
