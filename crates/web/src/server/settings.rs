use std::time::Duration;

/// The smallest connection cap that an operator may configure.
pub const CONNECTIONS_FLOOR: usize = 1_000;

/// Limits of one listener.
///
/// A request head may have at most 100 fields: hyper's default, which needs no allocation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Open connections; beyond it new ones wait in the kernel's backlog until a slot is free.
    /// When less than an eighth is left, each connection is closed after its answer, idle ones
    /// after a second, and the patience for heads, bodies and readers is an eighth, so that
    /// whoever holds connections for nothing locks nobody out.
    pub connections_max: usize,
    /// From the first byte of a request head to its last; from accepting to the first request.
    pub header_timeout: Duration,
    /// How long a connection may stay open between requests.
    pub idle_timeout: Duration,
    /// From the end of a request head to the end of its body.
    pub body_timeout: Duration,
    /// How long the peer may take nothing of what we send.
    pub write_timeout: Duration,
    /// The TLS handshake.
    pub handshake_timeout: Duration,
    /// Request line and header fields together; above it the answer is 431 (or 414).
    pub header_bytes_max: usize,
    /// Concurrent requests on one HTTP/2 connection.
    pub h2_streams_max: u32,
    /// Streams that an HTTP/2 peer may open and reset before we have looked at them
    /// (CVE-2023-44487).
    pub h2_pending_resets_max: usize,
    /// How often an HTTP/2 peer is pinged, and how long it may take to answer.
    pub h2_keep_alive: Duration,
    /// While draining: how long a connection without a request is kept for its one more answer.
    pub drain_grace: Duration,
    /// While draining: when what is still open is cut.
    pub drain_timeout: Duration,
    /// After the last answer: how long what the peer still sends is read and thrown away, so that
    /// a reset does not destroy the answer on its way (RFC 9112 section 9.6).
    pub linger: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            header_bytes_max: 32 * 1024,
            h2_streams_max: 200,
            h2_pending_resets_max: 20,
            h2_keep_alive: Duration::from_secs(20),
            drain_grace: Duration::from_secs(2),
            drain_timeout: Duration::from_secs(10),
            linger: Duration::from_secs(1),
        }
    }
}
