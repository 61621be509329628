//! A failure as a page, for a client that asks for HTML.

use axum::response::{IntoResponse, Response};
use claviger_model::ids::RequestId;

use super::Failure;
use super::api::add_headers;
use crate::pages::{Frame, Notice, Page};
use crate::state::Web;

/// Renders a failure.
pub fn render(web: &Web, failure: &Failure, request_id: RequestId) -> Response {
    let refusal = failure.reason.refusal();
    let frame = Frame::new(web);
    let link = (format!("{}/", frame.prefix), "Overview");
    let notice = Notice {
        title: failure.message.clone(),
        sentence: refusal.remedy.to_owned(),
        detail: None,
        request_id: Some(request_id.to_string()),
        link: Some(link),
        frame,
    };
    let mut response = Page::new(notice).status(failure.status()).into_response();
    add_headers(response.headers_mut(), failure);
    response
}
