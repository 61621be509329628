//! Accepting connections, and ending.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::connection::{Service, Shared, serve};
use super::progress::Clock;
use super::{Bound, Edge, Lanes, Peer};

/// How a listener ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still open at the drain's deadline, and were cut.
    pub cut: usize,
}

impl Bound {
    /// Accepts and serves until the drain has started and its connections have ended.
    ///
    /// `service` makes that of one connection, which is cloned for each of its requests: a clone
    /// should cost no more than that of an axum `Router`. Dropping the future closes the listener
    /// and cuts every connection.
    pub async fn serve<S>(self, service: impl Fn() -> S, edge: Edge) -> Drained
    where
        S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send + 'static,
    {
        let (clock, _ticker) = Clock::start(&edge.settings);
        let shared = Arc::new(Shared::new(edge, clock, self.tls));
        let mut listener = Listener {
            service,
            shared,
            lanes: self.lanes,
            connections: JoinSet::new(),
        };
        listener.accept_until_drain(&self.listener).await;
        listener.accept_backlog(self.listener);
        listener.end().await
    }
}

struct Listener<M> {
    service: M,
    shared: Arc<Shared>,
    lanes: Option<Lanes>,
    connections: JoinSet<()>,
}

impl<S: Service, M: Fn() -> S> Listener<M> {
    async fn accept_until_drain(&mut self, listener: &TcpListener) {
        let drain = self.shared.edge.drain.clone();
        let slots = Arc::clone(self.shared.slots());
        loop {
            tokio::select! {
                () = drain.started() => return,
                Some(end) = self.connections.join_next() => report(end),
                (stream, peer, slot) = accept(listener, &slots) => self.spawn(stream, peer, slot),
            }
        }
    }

    /// Takes what the kernel has accepted for us: closing the listener would reset it.
    fn accept_backlog(&mut self, listener: TcpListener) {
        let Ok(listener) = listener.into_std() else {
            return;
        };
        while let Ok((stream, peer)) = listener.accept() {
            if let Ok(()) = stream.set_nonblocking(true)
                && let Ok(stream) = TcpStream::from_std(stream)
            {
                self.spawn(stream, peer, None);
            }
        }
    }

    fn spawn(
        &mut self,
        stream: TcpStream,
        peer: SocketAddr,
        slot: impl Into<Option<OwnedSemaphorePermit>>,
    ) {
        let slot = slot.into();
        let peer = Peer(SocketAddr::new(peer.ip().to_canonical(), peer.port()));
        let (service, shared) = ((self.service)(), Arc::clone(&self.shared));
        let Some((lane, seat)) = self.lanes.as_ref().and_then(Lanes::seat) else {
            self.connections.spawn(async move {
                serve(stream, peer, service, shared).await;
                drop(slot);
            });
            return;
        };
        // Its events come to the thread that it will be on.
        let Ok(stream) = stream.into_std() else {
            return;
        };
        let connection = async move {
            if let Ok(stream) = TcpStream::from_std(stream) {
                serve(stream, peer, service, shared).await;
            }
            drop((slot, seat));
        };
        self.connections.spawn_on(connection, lane);
    }

    async fn end(mut self) -> Drained {
        tracing::info!(connections = self.connections.len(), "draining");
        let all = async {
            while let Some(end) = self.connections.join_next().await {
                report(end);
            }
        };
        if timeout(self.shared.edge.settings.drain_timeout, all)
            .await
            .is_ok()
        {
            return Drained { cut: 0 };
        }
        let cut = self.connections.len();
        tracing::warn!(
            connections = cut,
            "cutting what is open at the end of the drain"
        );
        self.connections.shutdown().await;
        Drained { cut }
    }
}

/// Waits for a slot and then for a connection, so that above the cap they wait in the backlog.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    let slot = Arc::clone(slots).acquire_owned().await.ok();
    let mut pause = PAUSE_MIN;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Fails only on a connection that is gone already.
                let _ = stream.set_nodelay(true);
                return (stream, peer, slot);
            }
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                let pause_ms = pause.as_millis();
                tracing::error!(%error, pause_ms, "cannot accept connections; trying again");
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

/// First and longest pause after an accept that failed for want of descriptors or memory.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset
    )
}

fn report(end: Result<(), JoinError>) {
    if let Err(error) = end
        && error.is_panic()
    {
        tracing::error!(%error, "a connection's task panicked");
    }
}
