//! `/leaked`: whoever holds a credential that others can read has it ended. Needs no sign-in.

use askama::Template;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use claviger_service::leaks::{self, Reporter};
use http::StatusCode;
use zeroize::Zeroizing;

use super::{Frame, Notice, Page, PageForm};
use crate::error::Failure;
use crate::extract::Origin;
use crate::state::Web;

/// The path of the page.
pub const PATH: &str = "/leaked";

/// The form.
#[derive(Template)]
#[template(path = "leaked.html")]
struct LeakedPage {
    frame: Frame,
    /// Whether nothing was entered.
    is_empty: bool,
}

/// Shows the form.
pub async fn show(State(web): State<Web>) -> Response {
    form(&web, false)
}

/// Takes a credential. It is kept nowhere and shown nowhere; the answer is the same whatever it
/// was.
pub async fn submit(
    State(web): State<Web>,
    origin: Origin,
    form: PageForm,
) -> Result<Response, Failure> {
    let credential = form.get("credential").unwrap_or_default().trim();
    if credential.is_empty() {
        return Ok(self::form(&web, true));
    }
    let credential = Zeroizing::new(credential.to_owned());
    let reporter = Reporter::by_possession(origin.ip, Some(origin.request_id));
    leaks::report_silently(web.app(), credential, reporter).await?;
    let notice = Notice {
        frame: Frame::new(&web),
        title: "Thank you".to_owned(),
        sentence: "If this was a live credential of this instance, its owner is told, and it is \
                   treated as leaked from now on."
            .to_owned(),
        detail: None,
        request_id: None,
        link: Some((format!("{}{PATH}", web.issuer_path()), "Report another one")),
    };
    Ok(Page::new(notice).into_response())
}

fn form(web: &Web, is_empty: bool) -> Response {
    let page = LeakedPage {
        frame: Frame::new(web),
        is_empty,
    };
    let status = if is_empty {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Page::new(page).status(status).into_response()
}
