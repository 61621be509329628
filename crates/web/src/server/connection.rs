//! One connection, from its handshake to its end.

use std::convert::Infallible;
use std::error::Error;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use http::{Request, Response};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::server::TlsStream;

use super::answer::{OpenRequest, answer};
use super::progress::{Clock, Limits, Oversight, Progress, Verdict};
use super::wire::{Protocol, Stream, Wire};
use super::{Edge, Peer, Tls};

/// What answers requests: an axum `Router`, or any tower service of its shape.
pub(super) trait Service:
    tower::Service<
        Request<Body>,
        Response = Response<Body>,
        Error = Infallible,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static
{
}

impl<S> Service for S where
    S: tower::Service<
            Request<Body>,
            Response = Response<Body>,
            Error = Infallible,
            Future: Send + 'static,
        > + Clone
        + Send
        + 'static
{
}

/// What all connections of a listener have in common.
pub(super) struct Shared {
    pub(super) edge: Edge,
    pub(super) clock: Arc<Clock>,
    limits: Limits,
    limits_when_crowded: Limits,
    slots: Arc<Semaphore>,
    tls: Option<Tls>,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

/// What the parts of one connection have in common.
pub(super) struct Link {
    pub(super) shared: Arc<Shared>,
    pub(super) peer: Peer,
    pub(super) progress: Progress,
}

impl Shared {
    pub(super) fn new(edge: Edge, clock: Arc<Clock>, tls: Option<Tls>) -> Self {
        let settings = &edge.settings;
        let limits = Limits::new(settings, &clock);
        let limits_when_crowded = Limits::when_crowded(settings, &clock);
        let slots = Arc::new(Semaphore::new(settings.connections_max));
        let mut http1 = http1::Builder::new();
        http1
            // Ours tells idle connections from slow heads and costs nothing per request.
            .header_read_timeout(None)
            .max_header_size(settings.header_bytes_max)
            .max_buf_size(settings.header_bytes_max.max(BUFFER_BYTES_MAX));
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(settings.h2_streams_max)
            .max_pending_accept_reset_streams(settings.h2_pending_resets_max)
            .max_header_list_size(u32::try_from(settings.header_bytes_max).unwrap_or(u32::MAX))
            .max_send_buf_size(BUFFER_BYTES_MAX)
            .keep_alive_interval(settings.h2_keep_alive)
            .keep_alive_timeout(settings.h2_keep_alive);
        Self {
            edge,
            clock,
            limits,
            limits_when_crowded,
            slots,
            tls,
            http1,
            http2,
        }
    }

    /// The places of connections that are free.
    pub(super) fn slots(&self) -> &Arc<Semaphore> {
        &self.slots
    }

    /// Whether less than an eighth of the connections that may be open is left.
    pub(super) fn is_crowded(&self) -> bool {
        self.slots.available_permits() < self.edge.settings.connections_max / 8
    }

    fn limits(&self) -> &Limits {
        if self.is_crowded() {
            &self.limits_when_crowded
        } else {
            &self.limits
        }
    }
}

/// What a connection may hold of one message before it has to be read or taken.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

impl Link {
    pub(super) fn now(&self) -> u32 {
        self.shared.clock.now()
    }
}

/// Serves one connection until it ends.
pub(super) async fn serve<S: Service>(
    stream: TcpStream,
    peer: Peer,
    service: S,
    shared: Arc<Shared>,
) {
    let progress = Progress::new(shared.clock.now());
    let link = Arc::new(Link {
        shared,
        peer,
        progress,
    });
    if let Err(reason) = run(stream, service, &link).await {
        tracing::debug!(peer = %peer.0, reason = %reason, "a connection ended early");
    }
}

type Failure = Box<dyn Error + Send + Sync>;

async fn run<S: Service>(stream: TcpStream, service: S, link: &Arc<Link>) -> Result<(), Failure> {
    let (stream, agreed) = match &link.shared.tls {
        None => (Stream::Plain(stream), None),
        Some(tls) => {
            let stream = supervise(link, |_| false, handshake(stream, tls, link)).await?;
            let agreed = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            (
                Stream::Tls(Box::new(stream)),
                agreed.then_some(Protocol::Http2),
            )
        }
    };
    let mut wire = Wire::new(stream, Arc::clone(link));
    let protocol = match agreed {
        Some(protocol) => protocol,
        None => match supervise(link, |_| false, wire.protocol()).await? {
            Some(protocol) => protocol,
            None => return Ok(()),
        },
    };
    match protocol {
        Protocol::Http1 => serve_http1(wire, service, link).await,
        // Boxed, so that the many HTTP/1 connections do not carry the room for it.
        Protocol::Http2 => Box::pin(serve_http2(wire, service, link)).await,
    }
}

async fn handshake(
    stream: TcpStream,
    tls: &Tls,
    link: &Link,
) -> Result<TlsStream<TcpStream>, Failure> {
    let stream = timeout(
        link.shared.edge.settings.handshake_timeout,
        tls.0.accept(stream),
    )
    .await??;
    link.progress.handshaken(link.now());
    Ok(stream)
}

async fn serve_http1<S: Service>(wire: Wire, service: S, link: &Arc<Link>) -> Result<(), Failure> {
    let requests = Arc::clone(link);
    let service =
        service_fn(move |request| answer(request, service.clone(), OpenRequest::new(&requests)));
    let connection = link
        .shared
        .http1
        .serve_connection(TokioIo::new(wire), service);
    let retire = |connection: Pin<&mut http1::Connection<_, _>>| {
        connection.graceful_shutdown();
        true
    };
    supervise(link, retire, connection).await
}

async fn serve_http2<S: Service>(wire: Wire, service: S, link: &Arc<Link>) -> Result<(), Failure> {
    link.progress.multiplex(link.now());
    let requests = Arc::clone(link);
    let service =
        service_fn(move |request| answer(request, service.clone(), OpenRequest::new(&requests)));
    let connection = link
        .shared
        .http2
        .serve_connection(TokioIo::new(wire), service);
    let retire = |connection: Pin<&mut http2::Connection<_, _, _>>| {
        connection.graceful_shutdown();
        true
    };
    supervise(link, retire, connection).await
}

/// Drives a part of a connection's life and enforces its limits meanwhile.
///
/// `retire` closes it as its protocol does, or says that there is no such way.
async fn supervise<F, T, E>(
    link: &Link,
    retire: impl Fn(Pin<&mut F>) -> bool,
    part: F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, E>>,
    E: Into<Failure>,
{
    let mut part = pin!(part);
    let mut supervisor = Supervisor {
        link,
        oversight: Oversight::default(),
    };
    let mut notice = pin!(link.shared.edge.drain.notice());
    let first = link.shared.clock.duration(link.shared.limits().alarm());
    let mut alarm = pin!(sleep(first));
    let mut is_registered = false;
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(outcome) = part.as_mut().poll(cx) {
                return Poll::Ready(outcome.map_err(Into::into));
            }
            if !is_registered {
                // Both wake this task when they are due; until then a look at them is enough.
                is_registered = true;
                let _ = notice.as_mut().poll(cx);
                let _ = alarm.as_mut().poll(cx);
            }
            if supervisor.notices_drain() {
                if link.progress.is_multiplexed() && retire(part.as_mut()) {
                    supervisor.oversight.retired_since = Some(link.now());
                    continue;
                }
            } else if !alarm.is_elapsed() {
                return Poll::Pending;
            }
            match supervisor.verdict() {
                Verdict::Wait(ticks) => {
                    if supervisor.rearm(alarm.as_mut(), ticks, cx) {
                        return Poll::Pending;
                    }
                }
                Verdict::BodyLate => link.progress.expire_body(),
                Verdict::Retire if retire(part.as_mut()) => {
                    supervisor.oversight.retired_since = Some(link.now());
                }
                Verdict::Retire => return Poll::Ready(Err("idle for too long".into())),
                Verdict::Cut(reason) => return Poll::Ready(Err(reason.into())),
            }
        }
    })
    .await
}

struct Supervisor<'a> {
    link: &'a Link,
    oversight: Oversight,
}

impl Supervisor<'_> {
    /// Whether the drain has started since the last look.
    fn notices_drain(&mut self) -> bool {
        let is_new =
            self.oversight.drain_since.is_none() && self.link.shared.edge.drain.is_started();
        if is_new {
            self.oversight.drain_since = Some(self.link.now());
        }
        is_new
    }

    fn verdict(&self) -> Verdict {
        self.link
            .progress
            .verdict(self.link.now(), self.link.shared.limits(), &self.oversight)
    }

    /// Returns whether the alarm is set, and not due again already.
    fn rearm(&self, mut alarm: Pin<&mut Sleep>, ticks: u32, cx: &mut Context<'_>) -> bool {
        let next = sleep(self.link.shared.clock.duration(ticks)).deadline();
        alarm.as_mut().reset(next);
        alarm.poll(cx).is_pending()
    }
}
