//! Requests at a steady rate, whatever the answers do: how long each took from the moment at which
//! it was meant to be sent, so that a server that stalls is charged with everybody who would have
//! come meanwhile.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};

use crate::latency::Latencies;
use crate::load::{Draws, Work, end_of_answer};

/// Threads that share a rate, each with a connection.
const THREADS: u32 = 4;
/// Where Linux is told how late a sleep of this thread, and of those that it starts, may end.
const SLACK_FILE: &str = "/proc/self/timerslack_ns";
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends so many requests a second for a time.
pub(crate) fn paced(
    address: SocketAddr,
    work: &Work,
    rate: u32,
    time: Duration,
) -> Result<Latencies> {
    // As little as it can. Where it takes no wish, all sleeps end equally late.
    let _ = std::fs::write(SLACK_FILE, "1");
    let begun = Instant::now() + Duration::from_millis(20);
    let until = begun + time;
    let mut latencies = Latencies::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let first = begun + Duration::from_secs(1) * thread / rate.max(1);
                let pause = Duration::from_secs(1) * THREADS / rate.max(1);
                scope.spawn(move || one(address, work, thread, (first, pause, until)))
            })
            .collect();
        for thread in threads {
            let seen = thread.join().map_err(|_| anyhow!("a thread panicked"))??;
            latencies.merge(&seen);
        }
        Ok(latencies)
    })
}

/// What one thread sends: at `next`, and again after each `pause`, before `until`.
fn one(
    address: SocketAddr,
    work: &Work,
    thread: u32,
    (mut next, pause, until): (Instant, Duration, Instant),
) -> Result<Latencies> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut draws = Draws::new(u64::from(thread));
    let (mut request, mut buffer) = (Vec::new(), Vec::new());
    let mut latencies = Latencies::default();
    while next < until {
        let request = work.request(&mut draws, &mut request);
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        stream.write_all(request)?;
        let end = answer(&mut stream, &mut buffer)?;
        latencies.add(next.elapsed());
        if !work.is_right(&buffer[..end], &[]) {
            bail!(
                "a wrong answer: {}",
                String::from_utf8_lossy(&buffer[..end])
            );
        }
        buffer.drain(..end);
        next += pause;
    }
    Ok(latencies)
}

fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<usize> {
    let mut part = [0; 16 * 1024];
    loop {
        if let Some(end) = end_of_answer(buffer)? {
            return Ok(end);
        }
        match stream.read(&mut part)? {
            0 => bail!("the connection was closed"),
            length => buffer.extend_from_slice(&part[..length]),
        }
    }
}
