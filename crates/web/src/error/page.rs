//! A failure as a page, for a client that asks for HTML. Whoever is signed in finds it where the
//! page would have stood, with the navigation around it.

use askama::Template;
use axum::extract::FromRequestParts as _;
use axum::response::{IntoResponse, Response};
use claviger_model::Reason;
use claviger_model::ids::RequestId;
use http::StatusCode;
use http::request::Parts;

use super::Failure;
use super::api::add_headers;
use crate::pages::{Frame, Notice, Page};
use crate::portal::{Band, Portal, Section, Shell};
use crate::state::Web;

/// A failure within the portal.
#[derive(Template)]
#[template(path = "portal/refused.html")]
struct RefusedPage {
    frame: Shell,
    title: &'static str,
    sentence: String,
    request_id: String,
}

/// Renders a failure; `asked` is the request for a page that can stand within the portal.
pub async fn render(
    web: &Web,
    failure: &Failure,
    request_id: RequestId,
    asked: Option<Parts>,
) -> Response {
    let status = failure.status();
    let mut response = match within(web, failure, request_id, asked).await {
        Some(page) => Page::new(page).status(status).into_response(),
        None => alone(web, failure, request_id),
    };
    add_headers(response.headers_mut(), failure);
    response
}

/// The failure with the portal around it, if somebody is signed in and that can be found out now.
async fn within(
    web: &Web,
    failure: &Failure,
    request_id: RequestId,
    asked: Option<Parts>,
) -> Option<RefusedPage> {
    let mut asked = asked.filter(|_| !failure.status().is_server_error())?;
    let portal = Portal::from_request_parts(&mut asked, web).await.ok()?;
    let frame = portal.shell(Section::Elsewhere, Band::Neither).await.ok()?;
    Some(RefusedPage {
        frame,
        title: title(failure.status()),
        sentence: sentence(failure),
        request_id: request_id.to_string(),
    })
}

fn alone(web: &Web, failure: &Failure, request_id: RequestId) -> Response {
    let frame = Frame::new(web);
    let link = (format!("{}/", frame.prefix), "Overview");
    let notice = Notice {
        title: title(failure.status()).to_owned(),
        sentence: sentence(failure),
        detail: None,
        request_id: Some(request_id.to_string()),
        link: Some(link),
        frame,
    };
    Page::new(notice).status(failure.status()).into_response()
}

fn sentence(failure: &Failure) -> String {
    match failure.reason {
        // The message names who can help.
        Reason::PermissionRequired => failure.message.clone(),
        reason => format!("{} {}", failure.message, reason.refusal().remedy),
    }
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
