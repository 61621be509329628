//! The edge over real sockets.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod bind;
mod body;
mod cap;
mod drain;
mod head;
mod http2;
mod panic;
mod signals;
mod slow;
mod support;
mod tls;
