//! A connection that asks one thing after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// When a server that says nothing has failed the test.
const DEADLINE: Duration = Duration::from_mins(1);

/// How often each status came; 0 stands for a connection that ended without an answer.
pub(super) type Statuses = BTreeMap<u16, usize>;

/// An open connection.
pub(super) struct Talk {
    pub(super) stream: TcpStream,
    unread: Vec<u8>,
}

impl Talk {
    pub(super) async fn with(authority: &str) -> Self {
        let stream = within(TcpStream::connect(authority)).await.unwrap();
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// The status that a request is answered with; none when the connection ended before.
    pub(super) async fn ask(&mut self, request: &[u8]) -> Option<u16> {
        // What is refused early may be refused before it was sent to its end.
        let _ = within(self.stream.write_all(request)).await;
        self.status().await
    }

    /// The next answer's status.
    pub(super) async fn status(&mut self) -> Option<u16> {
        let head_bytes = loop {
            let mut fours = self.unread.windows(4);
            if let Some(at) = fours.position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.read().await?;
        };
        let head: Vec<u8> = self.unread.drain(..head_bytes).collect();
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let mut lines = head.lines();
        let length = lines.find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        while self.unread.len() < length {
            self.read().await?;
        }
        self.unread.drain(..length);
        Some(status)
    }

    /// Reads until the server closes; how much came.
    pub(super) async fn end(mut self) -> usize {
        let mut bytes = self.unread.len();
        loop {
            self.unread.clear();
            if self.read().await.is_none() {
                return bytes;
            }
            bytes += self.unread.len();
        }
    }

    /// The same, however long it takes.
    pub(super) async fn end_at_last(mut self) {
        while self
            .stream
            .read_buf(&mut self.unread)
            .await
            .is_ok_and(|bytes| bytes > 0)
        {
            self.unread.clear();
        }
    }

    async fn read(&mut self) -> Option<()> {
        let read = within(self.stream.read_buf(&mut self.unread)).await;
        read.is_ok_and(|bytes| bytes > 0).then_some(())
    }
}

/// Sends each of the requests in turn, on as few connections as the server lets it.
pub(super) async fn send_all(authority: &str, requests: impl Iterator<Item = Vec<u8>>) -> Statuses {
    let mut statuses = Statuses::new();
    let mut talk = Talk::with(authority).await;
    for request in requests {
        let mut status = talk.ask(&request).await;
        if status.is_none() {
            // The answer before may have been the connection's last.
            talk = Talk::with(authority).await;
            status = talk.ask(&request).await;
        }
        *statuses.entry(status.unwrap_or(0)).or_default() += 1;
    }
    statuses
}

/// The sum of several.
pub(super) fn sum(all: impl IntoIterator<Item = Statuses>) -> Statuses {
    let mut sum = Statuses::new();
    for (status, times) in all.into_iter().flatten() {
        *sum.entry(status).or_default() += times;
    }
    sum
}

/// What comes in time.
pub(super) async fn within<F: Future>(future: F) -> F::Output {
    let within = tokio::time::timeout(DEADLINE, future);
    within.await.expect("in time")
}
