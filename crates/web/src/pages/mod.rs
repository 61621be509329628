//! Pages for people: plain HTML that works without a script, from one frame and one stylesheet.
//!
//! A page is a template in `templates/` with a [`Frame`] in it, and a handler that fills it. What
//! a browser may do with it is said in [`Page`]; nothing else sets these headers.

pub mod assets;
pub(crate) mod brand;
pub(crate) mod dates;
pub mod device;
mod fields;
pub mod form;
pub mod invitation;
pub mod leaked;
mod multipart;
pub mod session;
pub mod sign_in;
mod squeeze;

use std::fmt::Write as _;

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use claviger_service::branding::Support;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};

use crate::error::Failure;
use crate::state::Web;

pub use fields::Fields;
pub use form::PageForm;
pub use session::{MaybeSession, PageSession};

/// Paths below which everything is for people, whatever a client says that it accepts.
const PATHS: [&str; 7] = [
    "/invitation",
    "/sign-in",
    "/sign-out",
    "/oauth/authorize",
    "/connected-apps",
    "/device",
    "/leaked",
];

/// The routes of the pages that belong to no endpoint.
pub fn routes() -> Router<Web> {
    Router::new()
        .route("/assets/{name}", get(assets::show))
        .route("/device", get(device::show).post(device::submit))
        .route(
            invitation::PATH,
            get(invitation::show).post(invitation::accept),
        )
        .route(leaked::PATH, get(leaked::show).post(leaked::submit))
        .route("/sign-in", get(sign_in::show).post(sign_in::submit))
        .route("/sign-out", post(sign_in::sign_out))
}

/// Whether a path is of a page.
pub(crate) fn is_page(path: &str) -> bool {
    is_below(&PATHS, path)
}

/// Whether a path is one of these, or below one.
pub(crate) fn is_below(paths: &[&str], path: &str) -> bool {
    paths.iter().any(|known| {
        let rest = path.strip_prefix(known);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// What stands around the content of every page.
pub struct Frame {
    /// What people call the instance.
    pub product: String,
    /// What precedes every path: empty or `/like/this`.
    pub prefix: String,
    /// The path of the stylesheet.
    pub stylesheet: String,
    /// The path of the stylesheet with the accents of the instance, where it has its own.
    pub brand_stylesheet: Option<String>,
    /// The path of the icon.
    pub icon: String,
    /// What the icon is.
    pub icon_type: &'static str,
    /// The path of the picture beside the name, where the instance has its own.
    pub logo: Option<String>,
    /// Where people find help.
    pub support: Option<String>,
    /// Who is signed in, with the token of a form that signs out.
    pub signed_in: Option<SignedInAs>,
}

/// Who is signed in, as every page shows it.
pub struct SignedInAs {
    /// The address.
    pub email: String,
    /// The token of the forms of this session.
    pub form_token: String,
}

impl Frame {
    /// The frame for somebody who is not signed in, or a page on which that does not matter.
    pub fn new(web: &Web) -> Self {
        let prefix = web.issuer_path();
        let portal = &web.app().settings().portal;
        let own = web.brand();
        let logo = own.logo();
        let icon_type = logo.as_ref().map_or("image/svg+xml", |(_, kind)| *kind);
        let logo = logo.map(|(path, _)| format!("{prefix}{path}"));
        let icon = || format!("{prefix}{}", assets::ICON.path());
        Self {
            product: portal.name.clone(),
            stylesheet: format!("{prefix}{}", assets::STYLESHEET.path()),
            brand_stylesheet: own.stylesheet().map(|path| format!("{prefix}{path}")),
            icon: logo.clone().unwrap_or_else(icon),
            icon_type,
            logo,
            support: portal.brand.support.as_ref().map(Support::href),
            prefix: prefix.to_owned(),
            signed_in: None,
        }
    }

    /// The frame for somebody who is signed in.
    pub fn of(web: &Web, session: &PageSession) -> Self {
        let signed_in = SignedInAs {
            email: session.user().email.clone(),
            form_token: session.form_token(web),
        };
        Self {
            signed_in: Some(signed_in),
            ..Self::new(web)
        }
    }
}

/// A page about to be answered.
pub struct Page<T> {
    content: T,
    status: StatusCode,
    form_targets: String,
}

impl<T: Template> Page<T> {
    /// A page with forms that lead to paths of ours.
    pub fn new(content: T) -> Self {
        Self {
            content,
            status: StatusCode::OK,
            form_targets: String::new(),
        }
    }

    /// With another status than 200.
    #[must_use]
    pub fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// With forms whose answers redirect to these sources of `form-action` too.
    #[must_use]
    pub fn forms_lead_to(self, form_targets: String) -> Self {
        Self {
            form_targets,
            ..self
        }
    }
}

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let html = match self.content.render() {
            Ok(html) => html,
            Err(error) => {
                tracing::error!(%error, "a page cannot be rendered");
                return Failure::new(claviger_model::Reason::Internal).into_response();
            }
        };
        let mut policy = String::from(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
        );
        if !self.form_targets.is_empty() {
            policy.push(' ');
            policy.push_str(&self.form_targets);
        }
        let mut response = Response::new(Body::from(html));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        headers.insert(CONTENT_TYPE, html);
        // Without it the edge of the router sets one that allows nothing.
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

/// A short page: what is the matter and where to go on.
#[derive(Template)]
#[template(path = "notice.html")]
pub struct Notice {
    /// What stands around it.
    pub frame: Frame,
    /// What is the matter.
    pub title: String,
    /// What to do about it.
    pub sentence: String,
    /// More for whoever can mend it.
    pub detail: Option<String>,
    /// The request, to be told to whoever can help.
    pub request_id: Option<String>,
    /// A path of ours to go on at, and what it is called.
    pub link: Option<(String, &'static str)>,
}

/// A text that nobody can guess, in hexadecimal.
pub(crate) fn random(web: &Web) -> Result<String, Failure> {
    let key = web.app().sources().key();
    let key = key.map_err(|_| Failure::new(claviger_model::Reason::Internal))?;
    Ok(key.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// `303 See Other`: the browser goes there with a GET, whatever it came with.
pub fn see_other(location: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    match HeaderValue::from_str(location) {
        Ok(location) => {
            response.headers_mut().insert(LOCATION, location);
            response
        }
        Err(_) => Failure::new(claviger_model::Reason::Internal).into_response(),
    }
}
