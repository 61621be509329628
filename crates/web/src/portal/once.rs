//! Secrets that a page shows once.
//!
//! 1. A form that creates one carries a random `form_id`, which is the idempotency key of the use
//!    case: sent twice, it creates once.
//! 2. The answer to the POST shows the secret, and sets a cookie by which the browser says from
//!    then on that it has it.
//! 3. The same form sent again with that cookie is a reload: the page says that it was created
//!    before. Without it the first answer never arrived, as after a double click, and the page
//!    shows the secret again while the use case still knows it, for ten minutes.
//!
//! The secret itself is in no address, cookie or redirect.

use askama::Template;
use axum::response::{IntoResponse, Response};
use claviger_model::secret::Plaintext;
use http::HeaderValue;
use http::header::SET_COOKIE;

use super::{Shell, Submission};
use crate::error::Failure;
use crate::pages::{Page, random, session};
use crate::state::Web;

/// The field of a form that creates something.
pub(super) const FORM_ID: &str = "form_id";
/// How much of a form's id names its cookie.
const NAMED_BY: usize = 16;
/// How long a repeated form is told from a first one, in seconds: as long as the use case knows
/// the secret.
const SECONDS: u32 = 600;

/// The page with what was just created.
#[derive(Template)]
#[template(path = "portal/secret.html")]
pub struct SecretPage {
    /// What stands around it.
    pub frame: Shell,
    /// What was created, such as "API key created".
    pub title: String,
    /// The secrets and what belongs to them, in the order in which they are needed; empty when
    /// they were shown before.
    pub shown: Vec<ShownOnce>,
    /// A line that says what it is.
    pub about: String,
    /// Ways to use it.
    pub samples: Vec<Sample>,
    /// What to do when it was not saved.
    pub when_lost: String,
    /// Where its own page is, with the issuer's path.
    pub own_page: String,
    /// Where to go on, and what that is called.
    pub next: (String, String),
}

/// A value to be copied.
pub struct ShownOnce {
    /// What it is, such as "API key"; the button says "Copy" and this.
    pub label: String,
    /// The value.
    pub value: String,
}

/// A piece of text that shows how a secret is used.
pub struct Sample {
    /// Letters for its place on the page.
    pub id: &'static str,
    /// What the tab is called.
    pub name: &'static str,
    /// The text.
    pub text: String,
}

/// A fresh value for the field `form_id`.
pub(super) fn form_id(web: &Web) -> Result<String, Failure> {
    random(web)
}

impl Submission {
    /// The secret if this browser has not been shown it yet.
    pub fn to_show<'a>(&self, plaintext: Option<&'a Plaintext>) -> Option<&'a str> {
        let name = self.marker();
        let has_it = name.is_some_and(|name| session::has_cookie(&self.cookies, &name));
        plaintext
            .filter(|_| !has_it)
            .map(claviger_model::secret::Plaintext::expose)
    }

    /// The answer with a page that shows a secret.
    pub fn shown_once(&self, page: SecretPage) -> Response {
        let mut response = Page::new(page).into_response();
        if let Some(name) = self.marker() {
            let path = self.portal.own_path();
            let cookie = format!(
                "{name}=1; Path={path}; Max-Age={SECONDS}; HttpOnly; SameSite=Lax{}",
                session::secure(&self.portal.web)
            );
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
        }
        response
    }

    /// The name of the cookie by which the browser says that it has been shown the secret.
    fn marker(&self) -> Option<String> {
        let id = self.fields.get(FORM_ID)?;
        let named_by = id.get(..NAMED_BY)?;
        let is_plain = named_by.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_plain.then(|| format!("claviger_shown_{named_by}"))
    }
}

impl ShownOnce {
    /// A value with its label.
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            value: value.into(),
        }
    }
}
