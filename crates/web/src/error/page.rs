//! A failure as a page, for a client that asks for HTML.

use axum::response::{IntoResponse, Response};
use claviger_model::Reason;
use claviger_model::ids::RequestId;
use http::StatusCode;

use super::Failure;
use super::api::add_headers;
use crate::pages::{Frame, Notice, Page};
use crate::state::Web;

/// Renders a failure.
pub fn render(web: &Web, failure: &Failure, request_id: RequestId) -> Response {
    let refusal = failure.reason.refusal();
    let frame = Frame::new(web);
    let link = (format!("{}/", frame.prefix), "Overview");
    let sentence = match failure.reason {
        // The message names who can help.
        Reason::PermissionRequired => failure.message.clone(),
        _ => format!("{} {}", failure.message, refusal.remedy),
    };
    let notice = Notice {
        title: title(failure.status()).to_owned(),
        sentence,
        detail: None,
        request_id: Some(request_id.to_string()),
        link: Some(link),
        frame,
    };
    let mut response = Page::new(notice).status(failure.status()).into_response();
    add_headers(response.headers_mut(), failure);
    response
}

/// What the matter is, in few words.
fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN => "You cannot do this",
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        StatusCode::SERVICE_UNAVAILABLE => "Try again in a moment",
        StatusCode::INTERNAL_SERVER_ERROR => "Something went wrong",
        _ => "This did not work",
    }
}
