//! What stands before the routes of the internal listener.
//!
//! The two questions that are asked for every request of somebody's API are answered here, by the
//! same functions as the routes have, before anything is routed; everything else is routed, and
//! handled on the threads that it would have without lanes, so that nothing that waits for a
//! database is on those of decisions.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use axum::{BoxError, Router};
use claviger_model::Reason;
use http::{Method, Request};
use tokio::runtime::Handle;
use tower::ServiceExt;

use super::{http as forwarded, verify};
use crate::error::Failure;
use crate::router::{admit_internal, end_internal};
use crate::state::Web;

/// The service of the internal listener.
#[derive(Clone)]
pub struct Front(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    web: Web,
    routes: Router,
    elsewhere: Handle,
}

impl Front {
    /// One before `routes`, which are handled on this runtime.
    pub fn new(web: Web, routes: Router, elsewhere: Handle) -> Self {
        Self(Arc::new(Inner {
            web,
            routes,
            elsewhere,
        }))
    }

    /// One that shares nothing with others which its clones change: whoever counts references that
    /// all cores count waits for the core that did it last.
    #[must_use]
    pub fn for_connection(&self) -> Self {
        Self(Arc::new((*self.0).clone()))
    }

    async fn answer(self, request: Request<Body>) -> Response {
        let is_verify = is(&request, &Method::POST, "/v1/verify");
        let is_forwarded = is(&request, &Method::GET, "/verify/http");
        if !is_verify && !is_forwarded {
            return Box::pin(self.routed(request)).await;
        }
        let web = &self.0.web;
        if let Err(refused) = admit_internal(web, request.headers()) {
            return *refused;
        }
        let answered = if is_verify {
            verify::answer(web, request.into_body()).await
        } else {
            forwarded::answer(web, request.headers()).await
        };
        end_internal(web, answered.into_response()).await
    }

    async fn routed(self, request: Request<Body>) -> Response {
        let answer = self.0.routes.clone().oneshot(request);
        let answer = self.0.elsewhere.spawn(answer).await;
        let ended = match answer {
            Ok(Ok(response)) => return response,
            Ok(Err(never)) => match never {},
            Err(ended) => ended,
        };
        if let Ok(panic) = ended.try_into_panic() {
            // It is this request's, as if it had been handled here.
            std::panic::resume_unwind(panic);
        }
        let failure = Failure::new(Reason::Internal);
        end_internal(&self.0.web, failure.into_response()).await
    }
}

fn is(request: &Request<Body>, method: &Method, path: &str) -> bool {
    request.method() == method && request.uri().path() == path
}

impl<B> tower::Service<Request<B>> for Front
where
    B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (front, request) = (self.clone(), request.map(Body::new));
        Box::pin(async move { Ok(front.answer(request).await) })
    }
}
