//! A failure as a page, for a client that asks for HTML.

use axum::body::Body;
use axum::response::Response;
use claviger_model::ids::RequestId;
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};

use super::Failure;
use super::api::add_headers;

/// No script, no frame, nothing from elsewhere; the page has no style of its own to allow.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";

/// Renders a failure.
pub fn render(failure: &Failure, request_id: RequestId) -> Response {
    let refusal = failure.reason.refusal();
    let body = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{status} - Claviger</title>\
         </head><body><main><h1>{message}</h1><p>{remedy}</p>\
         <p>Request: <code>{request_id}</code></p>\
         <p><a href=\"/docs/\">Documentation</a></p></main></body></html>\n",
        status = refusal.status,
        message = escape(&failure.message),
        remedy = escape(refusal.remedy),
    );
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = failure.status();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    add_headers(headers, failure);
    response
}

/// Text as HTML shows it.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
