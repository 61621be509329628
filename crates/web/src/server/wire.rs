//! The byte stream of a connection, which tells [`Progress`](super::progress::Progress) what it
//! sees.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::connection::Link;

/// What an HTTP/2 client sends first (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Room for most first requests, so that looking at the first bytes costs no further read.
const OPENING_BYTES: usize = 2048;
/// What is thrown away of a peer that goes on sending after the last answer: enough that a client
/// which sends a far too large body before it looks for an answer still finds it.
const LINGER_BYTES_MAX: usize = 32 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

pub(super) struct Wire {
    stream: Stream,
    link: Arc<Link>,
    /// Read to find the protocol, and not given to hyper yet.
    opening: Vec<u8>,
    is_shut: bool,
    thrown_away: usize,
}

impl Wire {
    pub(super) fn new(stream: Stream, link: Arc<Link>) -> Self {
        Self {
            stream,
            link,
            opening: Vec::new(),
            is_shut: false,
            thrown_away: 0,
        }
    }

    /// Reads until the first bytes show the protocol; `None` if the peer closes before.
    pub(super) async fn protocol(&mut self) -> io::Result<Option<Protocol>> {
        let mut opening = Vec::with_capacity(OPENING_BYTES);
        let protocol = loop {
            if self.read_buf(&mut opening).await? == 0 {
                break None;
            }
            let seen = opening.len().min(PREFACE.len());
            if opening[..seen] != PREFACE[..seen] {
                break Some(Protocol::Http1);
            }
            if seen == PREFACE.len() {
                break Some(Protocol::Http2);
            }
        };
        self.opening = opening;
        Ok(protocol)
    }

    fn stream(&mut self) -> Pin<&mut dyn Duplex> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream),
            Stream::Tls(stream) => Pin::new(stream.as_mut()),
        }
    }

    fn note_write<T>(&self, outcome: &Poll<T>) {
        self.link
            .progress
            .peer_takes(outcome.is_ready(), self.link.now());
    }

    /// Reads what still comes, so that closing sends no reset over our last answer.
    fn poll_throw_away(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut chunk = [0; 4096];
        while self.thrown_away < LINGER_BYTES_MAX {
            let mut buffer = ReadBuf::new(&mut chunk);
            let outcome = ready!(self.stream().poll_read(cx, &mut buffer));
            if outcome.is_err() || buffer.filled().is_empty() {
                break;
            }
            self.thrown_away += buffer.filled().len();
        }
        Poll::Ready(())
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.opening.is_empty() {
            let given = this.opening.len().min(buffer.remaining());
            buffer.put_slice(&this.opening[..given]);
            this.opening.drain(..given);
            if this.opening.is_empty() {
                this.opening = Vec::new();
            }
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let outcome = this.stream().poll_read(cx, buffer);
        if buffer.filled().len() > before {
            this.link.progress.bytes_came(this.link.now());
        }
        outcome
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = this.stream().poll_write(cx, bytes);
        this.note_write(&outcome);
        outcome
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = this.stream().poll_write_vectored(cx, parts);
        this.note_write(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = this.stream().poll_flush(cx);
        this.note_write(&outcome);
        outcome
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let lingers = this.link.progress.begin_closing(this.link.now());
        if !this.is_shut {
            ready!(this.stream().poll_shutdown(cx))?;
            this.is_shut = true;
        }
        if lingers {
            ready!(this.poll_throw_away(cx));
        }
        Poll::Ready(Ok(()))
    }
}
