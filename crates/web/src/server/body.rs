//! Request bodies: cut at their limit in bytes and in time.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http::Request;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::connection::Link;

/// The largest request body of a route that names no other limit, in bytes.
pub const DEFAULT_BODY_BYTES_MAX: u64 = 64 * 1024;

/// Why a request body cannot be had. Each rendering gives it a status of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// 413: it is larger than its route takes.
    #[error("the request body is larger than {bytes_max} bytes")]
    TooLarge {
        /// The limit of the route.
        bytes_max: u64,
    },
    /// 408, and 400 in the envelope of the API, which has no 408: it did not come in time.
    #[error("the request body came too slowly")]
    TooSlow,
    /// 400: it ended early or broke its framing.
    #[error("the request body is incomplete or malformed")]
    Broken,
}

impl From<axum::Error> for BodyError {
    fn from(error: axum::Error) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(error) = cause {
            if let Some(own) = error.downcast_ref::<Self>() {
                return *own;
            }
            cause = error.source();
        }
        Self::Broken
    }
}

/// How large request bodies may be, by path.
#[derive(Clone, Debug)]
pub struct BodyLimits {
    default_bytes_max: u64,
    prefix: String,
    routes: Vec<(&'static str, u64)>,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self::new(DEFAULT_BODY_BYTES_MAX)
    }
}

impl BodyLimits {
    /// The same limit for every path.
    pub fn new(default_bytes_max: u64) -> Self {
        Self {
            default_bytes_max,
            prefix: String::new(),
            routes: Vec::new(),
        }
    }

    /// Allows more for one route, written as the router has it: `/v1/apis/{id}/import`.
    #[must_use]
    pub fn allow(mut self, route: &'static str, bytes_max: u64) -> Self {
        self.routes.push((route, bytes_max));
        self
    }

    /// The same limits below a path that everything is served below, too.
    #[must_use]
    pub fn below(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// The limit of a path, in bytes.
    pub fn of(&self, path: &str) -> u64 {
        let path = path.strip_prefix(&*self.prefix).unwrap_or(path);
        let named = self.routes.iter().find(|(route, _)| matches(route, path));
        named.map_or(self.default_bytes_max, |(_, bytes_max)| *bytes_max)
    }

    /// Limits a request's body as the edge does; for tests that call a router without sockets.
    pub fn guard(&self, request: Request<Body>) -> Request<Body> {
        let bytes_max = self.of(request.uri().path());
        request.map(|body| Body::new(RequestBody::new(body, bytes_max, Pace::Free)))
    }

    /// The limit of a request; paths are looked at only if the body is not small anyway.
    pub(super) fn of_request<B: hyper::body::Body>(&self, request: &Request<B>) -> u64 {
        match request.body().size_hint().upper() {
            Some(bytes) if bytes <= self.default_bytes_max => self.default_bytes_max,
            _ => self.of(request.uri().path()),
        }
    }
}

fn matches(route: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    for wanted in route.split('/') {
        if wanted.starts_with("{*") {
            return segments.next().is_some();
        }
        match segments.next() {
            Some(segment) if wanted == segment => {}
            Some(segment) if wanted.starts_with('{') && !segment.is_empty() => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

/// Reads a whole request body, of a size that the edge has limited.
///
/// A body that comes in one piece is returned without copying it.
///
/// # Errors
///
/// [`BodyError`], for which a declared length above the limit suffices.
pub async fn read_body(mut body: Body) -> Result<Bytes, BodyError> {
    let Some(first) = next_data(&mut body).await? else {
        return Ok(Bytes::new());
    };
    if body.is_end_stream() {
        return Ok(first);
    }
    let Some(second) = next_data(&mut body).await? else {
        return Ok(first);
    };
    let mut all = Vec::with_capacity(first.len() + second.len());
    all.extend_from_slice(&first);
    all.extend_from_slice(&second);
    while let Some(more) = next_data(&mut body).await? {
        all.extend_from_slice(&more);
    }
    Ok(all.into())
}

async fn next_data(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// A request body that fails with [`BodyError`] at its limits.
pub struct RequestBody<B> {
    inner: B,
    bytes_max: u64,
    bytes_seen: u64,
    is_complete: bool,
    pace: Pace,
}

/// Who watches over the time that a body takes.
pub(super) enum Pace {
    Free,
    /// The connection's supervisor: HTTP/1, one body at a time.
    Watched(Arc<Link>),
    /// A timer of its own, started when there is something to wait for: HTTP/2.
    Timed(Duration, Option<Pin<Box<Sleep>>>),
}

impl<B> RequestBody<B> {
    pub(super) fn new(inner: B, bytes_max: u64, pace: Pace) -> Self {
        if let Pace::Watched(link) = &pace {
            link.progress.body_began();
        }
        Self {
            inner,
            bytes_max,
            bytes_seen: 0,
            is_complete: false,
            pace,
        }
    }

    fn end(&mut self) {
        if !self.is_complete {
            self.is_complete = true;
            if let Pace::Watched(link) = &self.pace {
                link.progress.body_ended(true);
            }
        }
    }

    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        match &mut self.pace {
            Pace::Free => false,
            Pace::Watched(link) => link.progress.body_is_late(),
            Pace::Timed(limit, timer) => {
                let timer = timer.get_or_insert_with(|| Box::pin(sleep(*limit)));
                timer.as_mut().poll(cx).is_ready()
            }
        }
    }
}

impl<B> hyper::body::Body for RequestBody<B>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let too_large = BodyError::TooLarge {
            bytes_max: this.bytes_max,
        };
        if this
            .bytes_seen
            .saturating_add(this.inner.size_hint().lower())
            > this.bytes_max
        {
            return Poll::Ready(Some(Err(too_large)));
        }
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Pending if this.is_late(cx) => Poll::Ready(Some(Err(BodyError::TooSlow))),
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => {
                this.end();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(BodyError::Broken))),
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                this.bytes_seen = this.bytes_seen.saturating_add(bytes as u64);
                if this.bytes_seen > this.bytes_max {
                    return Poll::Ready(Some(Err(too_large)));
                }
                if this.inner.is_end_stream() {
                    this.end();
                }
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B> Drop for RequestBody<B> {
    fn drop(&mut self) {
        if let (false, Pace::Watched(link)) = (self.is_complete, &self.pace) {
            link.progress.body_ended(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_matched_segment_by_segment() {
        let limits = BodyLimits::new(10)
            .allow("/v1/apis/{id}/import", 20)
            .allow("/verify/envoy/{*rest}", 30);
        for (path, bytes_max) in [
            ("/v1/apis/api_1/import", 20),
            ("/v1/apis//import", 10),
            ("/v1/apis/api_1/import/", 10),
            ("/v1/apis/api_1", 10),
            ("/v1/apis/a/b/import", 10),
            ("/verify/envoy/a/b", 30),
            ("/verify/envoy", 10),
            ("/", 10),
        ] {
            assert_eq!(limits.of(path), bytes_max, "{path}");
        }
        let limits = limits.below("/t1");
        assert_eq!(limits.of("/t1/v1/apis/api_1/import"), 20);
        assert_eq!(limits.of("/v1/apis/api_1/import"), 20);
    }
}
