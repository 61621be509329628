//! Forms of pages: read strictly, and only when the browser does not say that another site sent
//! them.

use axum::body::Body;
use axum::extract::FromRequest;
use claviger_model::Reason;
use http::header::{CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, Request};

use super::Fields;
use super::multipart::{self, MULTIPART};
use crate::error::Failure;
use crate::server::read_body;
use crate::state::Web;

/// The field with the token of a form.
pub const TOKEN_FIELD: &str = "form_token";
/// The type of a form without files.
const FORM: &str = "application/x-www-form-urlencoded";
/// What a browser says of where a request comes from (Fetch Metadata).
const SITE: &str = "sec-fetch-site";

/// The fields of a form that was sent from one of our pages. Whether it is one of the session's
/// own is for the handler to ask: [`super::PageSession::is_own_form`].
pub struct PageForm {
    fields: Fields,
}

impl PageForm {
    /// The value of a field; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name)
    }

    /// Its fields.
    pub(crate) fn into_fields(self) -> Fields {
        self.fields
    }

    /// The token that the form carries.
    pub fn token(&self) -> Option<&str> {
        self.get(TOKEN_FIELD)
    }
}

impl FromRequest<Web> for PageForm {
    type Rejection = Failure;

    async fn from_request(request: Request<Body>, web: &Web) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        if is_from_elsewhere(&parts.headers, web) {
            let message = "This form was sent from another site. Nothing was done.";
            return Err(Failure::because(Reason::PermissionRequired, message));
        }
        let content_type = parts.headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let no_form = || Failure::because(Reason::Malformed, "This is not a form.");
        let has_files = essence.eq_ignore_ascii_case(MULTIPART);
        if !has_files && !essence.eq_ignore_ascii_case(FORM) {
            return Err(no_form());
        }
        let bytes = read_body(body).await?;
        let fields = if has_files {
            Fields::of_parts(multipart::parts(content_type, &bytes).ok_or_else(no_form)?)?
        } else {
            Fields::of_body(&bytes)?
        };
        Ok(Self { fields })
    }
}

/// Whether the browser says that another site sent the request. Pages have no referrer, so that a
/// browser may call their origin `null`; then the token of the form decides alone.
fn is_from_elsewhere(headers: &HeaderMap, web: &Web) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text(SITE) {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(ORIGIN.as_str()).filter(|origin| *origin != "null") else {
        return false;
    };
    let authority = origin.split_once("://").map_or("", |(_, rest)| rest);
    !web.is_issuer_host(authority)
}
