//! One request to the service, and its answer.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http::header::{CONNECTION, HeaderValue};
use http::{Method, Request, Response, Uri};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use tower::ServiceExt;

use super::body::{Pace, RequestBody};
use super::connection::{Link, Service};
use super::panics::{self, Panic};

/// Asks the service; a panic becomes the caller's answer.
pub(super) async fn answer<S: Service>(
    request: Request<Incoming>,
    service: S,
    open: OpenRequest,
) -> Result<Response<AnswerBody>, Infallible> {
    let link = &open.0;
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let mut call = pin!(service.oneshot(prepare(request, link)));
    let outcome = poll_fn(|cx| match panics::catch(|| call.as_mut().poll(cx)) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    });
    let mut response = match outcome.await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(panic) => answer_panic(&panic, &method, &uri, link),
    };
    if !link.progress.is_multiplexed()
        && (link.shared.edge.drain.is_started()
            || link.progress.body_is_unread()
            || link.shared.is_crowded())
    {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
        link.progress.say_goodbye();
    }
    Ok(response.map(|body| AnswerBody { body, _open: open }))
}

fn prepare(request: Request<Incoming>, link: &Arc<Link>) -> Request<Body> {
    let (bytes_max, pace) = if request.body().is_end_stream() {
        (0, None)
    } else {
        let pace = if link.progress.is_multiplexed() {
            Pace::Timed(link.shared.edge.settings.body_timeout, None)
        } else {
            Pace::Watched(Arc::clone(link))
        };
        (
            link.shared.edge.body_limits.of_request(&request),
            Some(pace),
        )
    };
    let mut request = request.map(|body| match pace {
        None => Body::empty(),
        Some(pace) => Body::new(RequestBody::new(body, bytes_max, pace)),
    });
    request.extensions_mut().insert(link.peer);
    request
}

fn answer_panic(panic: &Panic, method: &Method, uri: &Uri, link: &Link) -> Response<Body> {
    let response = (link.shared.edge.on_panic)(method, uri);
    let request_id = response
        .headers()
        .get("request-id")
        .and_then(|id| id.to_str().ok());
    // Not the query: it may hold what should not be logged.
    tracing::error!(
        request_id,
        %method,
        path = uri.path(),
        peer = %link.peer.0,
        place = panic.place,
        panic = panic.message,
        "a request handler panicked"
    );
    response
}

/// A request whose answer is not at its end.
pub(super) struct OpenRequest(Arc<Link>);

impl OpenRequest {
    pub(super) fn new(link: &Arc<Link>) -> Self {
        link.progress.request_came(link.now());
        Self(Arc::clone(link))
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.progress.request_ended(self.0.now());
    }
}

/// The body of an answer; the request is open until hyper drops it.
pub(super) struct AnswerBody {
    body: Body,
    _open: OpenRequest,
}

impl hyper::body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
