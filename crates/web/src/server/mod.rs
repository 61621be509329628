//! The edge: sockets in, requests to a service, answers out.
//!
//! 1. [`bind`] takes the address, [`Bound::serve`] accepts until [`Drain::start`] is called.
//! 2. A connection takes a slot (the cap), does its TLS handshake, and shows by its first bytes
//!    whether it speaks HTTP/1 or HTTP/2.
//! 3. Each request gets its [`Peer`] and a body that is cut at its limit, goes to the service, and
//!    a panic there becomes the caller's 500.
//! 4. One timer per connection, not per request, enforces every time limit (`progress`).
//! 5. When nearly all slots are taken, connections are closed after their answer and waited for
//!    an eighth of the time.
//! 6. While draining, each connection gets one more answer with `Connection: close` (HTTP/1.1,
//!    RFC 9112 section 9.6) or GOAWAY (HTTP/2, RFC 9113 section 6.8).
//!
//! hyper's connections are driven directly: its own header timer allocates for every request and
//! cannot tell an idle connection from a slow head, and its graceful shutdown closes idle
//! connections at once, which loses the request that is on the wire.

mod accept;
mod answer;
mod bind;
mod body;
mod connection;
mod descriptors;
mod drain;
mod lanes;
mod panics;
mod progress;
mod settings;
mod signals;
mod tls;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use http::{Method, Response, Uri};

pub use accept::Drained;
pub use bind::{BindError, BindProblem, Bound, bind};
pub use body::{BodyError, BodyLimits, DEFAULT_BODY_BYTES_MAX, RequestBody, read_body};
pub use descriptors::raise_open_files;
pub use drain::Drain;
pub use lanes::Lanes;
pub use panics::log_panics;
pub use settings::{CONNECTIONS_FLOOR, Settings};
pub use signals::{Signal, shutdown_signal};
pub use tls::{Tls, TlsError, TlsFiles};

/// The other end of the connection that a request came by, in the request's extensions.
///
/// An IPv4 address that reached an IPv6 socket is given as the IPv4 address it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Makes the answer to a request whose handler panicked; it is told what was asked.
pub type PanicAnswer = Arc<dyn Fn(&Method, &Uri) -> Response<Body> + Send + Sync>;

/// What a listener does with its connections, beside the service itself.
#[derive(Clone)]
pub struct Edge {
    /// Limits of connections.
    pub settings: Settings,
    /// Limits of request bodies.
    pub body_limits: BodyLimits,
    /// The 500 of a request whose handler panicked.
    pub on_panic: PanicAnswer,
    /// Ends the listener; several listeners may share one.
    pub drain: Drain,
}
