//! Which pages of other origins may call the endpoints of clients: those of the public client that
//! asks, which runs in a browser and proves nothing. No cookie is read there.

use std::sync::{Arc, OnceLock};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use claviger_model::redirect_uris::browser_origin;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::state::Web;

/// The endpoints that pages may call.
const PATHS: [&str; 3] = ["/oauth/token", "/connect/token", "/oauth/revoke"];
const HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type, dpop");
const EXPOSED: HeaderValue = HeaderValue::from_static("dpop-nonce, request-id, retry-after");
/// How long a browser may keep the answer to a preflight, in seconds.
const KEPT_SECONDS: HeaderValue = HeaderValue::from_static("600");

/// Where a request leaves what its client calls itself, for the headers of the answer.
#[derive(Clone, Default)]
pub(super) struct Asker(Arc<OnceLock<String>>);

impl Asker {
    /// Notes what the client calls itself.
    pub(super) fn note(&self, client_id: &str) {
        // A request says it once.
        let _ = self.0.set(client_id.to_owned());
    }
}

/// Answers preflights, and lets pages of the client that asks read the answers.
pub(crate) async fn share(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    if !PATHS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let header = request.headers().get(ORIGIN).cloned();
    let origin = header.as_ref().and_then(|header| header.to_str().ok());
    let origin = origin.and_then(browser_origin);
    let is_preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let asker = Asker::default();
    let mut response = if is_preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        request.extensions_mut().insert(asker.clone());
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("origin"));
    let (Some(header), Some(origin)) = (header, origin) else {
        return response;
    };
    let index = web.app().verifier().index();
    if is_preflight {
        if index.is_browser_origin(&origin) {
            allow(headers, header);
            let methods = HeaderValue::from_static("POST");
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
            headers.insert(ACCESS_CONTROL_MAX_AGE, KEPT_SECONDS);
        }
        return response;
    }
    let client = asker.0.get().and_then(|id| index.client_called(id));
    if client.is_some_and(|client| client.has_browser_origin(&origin)) {
        allow(headers, header);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
}
