//! Frames of HTTP/2 (RFC 9113), made by hand: what no client library would send.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::talk::within;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEAD_BYTES: usize = 9;

/// One frame (section 4.1).
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// The fields of `GET path`, in HPACK (RFC 7541): three from the static table, the rest as text.
pub(super) fn fields(path: &str) -> Vec<u8> {
    let mut fields = vec![0x82, 0x86];
    fields.push(0x04);
    fields.push(u8::try_from(path.len()).unwrap());
    fields.extend(path.as_bytes());
    fields.extend([0x01, 8]);
    fields.extend(b"claviger");
    fields
}

/// A connection that has said that it speaks HTTP/2.
pub(super) struct Frames(TcpStream);

/// How the server ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// The error code of its last GOAWAY, if one was seen.
    pub(super) goaway: Option<u32>,
}

impl Frames {
    pub(super) async fn with(authority: &str) -> Self {
        let mut stream = within(TcpStream::connect(authority)).await.unwrap();
        within(stream.write_all(PREFACE)).await.unwrap();
        let mut frames = Self(stream);
        assert!(frames.send(&frame(SETTINGS, 0, 0, &[])).await);
        frames
    }

    /// Whether the server still takes something.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> bool {
        within(self.0.write_all(bytes)).await.is_ok()
    }

    /// The same, while what the server says is read and thrown away. None stands for a
    /// connection that is over.
    pub(super) async fn send_and_read(&mut self, bytes: &[u8]) -> bool {
        let (mut read, mut write) = self.0.split();
        let mut thrown_away = vec![0; 16 * 1_024];
        let mut sending = std::pin::pin!(write.write_all(bytes));
        within(async {
            loop {
                tokio::select! {
                    biased;
                    sent = &mut sending => return sent.is_ok(),
                    got = read.read(&mut thrown_away) => if !got.is_ok_and(|bytes| bytes > 0) {
                        return false;
                    }
                }
            }
        })
        .await
    }

    /// Reads until the server closes.
    pub(super) async fn end(mut self) -> End {
        let mut goaway = None;
        while let Some((kind, payload)) = self.next().await {
            if kind == GOAWAY {
                goaway = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
            }
        }
        End { goaway }
    }

    /// The next frame's kind and payload; none when the connection is over.
    pub(super) async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; FRAME_HEAD_BYTES];
        within(self.0.read_exact(&mut head)).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        within(self.0.read_exact(&mut payload)).await.ok()?;
        Some((head[3], payload))
    }
}
