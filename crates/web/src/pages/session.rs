//! The session of a browser: the same token that programs send as a bearer, in a cookie that only
//! pages read.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use claviger_model::Reason;
use claviger_service::actor::SignedIn;
use claviger_service::sessions::{self, Started};
use claviger_service::{Actor, Caller};
use http::header::{COOKIE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use zeroize::Zeroizing;

use super::{see_other, sign_in};
use crate::error::Failure;
use crate::extract::Origin;
use crate::state::Web;

/// The cookie of a session.
const SESSION: &str = "claviger_session";
/// The cookie of the sign-in form.
const FORM: &str = "claviger_form";
/// How long the cookie of the sign-in form is kept, in seconds.
const FORM_SECONDS: i64 = 86_400;

/// Somebody who is signed in, in a browser.
pub struct PageSession {
    /// Who, with an actor that is a user.
    pub caller: Caller,
    user: SignedIn,
    token: Zeroizing<String>,
}

/// Whoever is signed in, if somebody is.
pub struct MaybeSession(pub Option<PageSession>);

impl PageSession {
    /// Who is signed in.
    pub fn user(&self) -> &SignedIn {
        &self.user
    }

    /// The token that the forms of this session carry.
    pub fn form_token(&self, web: &Web) -> String {
        sessions::form_token(web.app(), &self.token)
    }

    /// Whether a form is one of this session.
    pub fn is_own_form(&self, web: &Web, sent: Option<&str>) -> bool {
        sent.is_some_and(|sent| sessions::is_form_token(web.app(), &self.token, sent))
    }
}

impl FromRequestParts<Web> for MaybeSession {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Failure> {
        let Some(token) = cookie(&parts.headers, &name(web, SESSION)) else {
            return Ok(Self(None));
        };
        let token = Zeroizing::new(token.to_owned());
        let origin = Origin::of(&parts.extensions, &parts.headers, web);
        let caller = sessions::authenticate_session(web.app(), &token, origin.into()).await;
        let caller = match caller {
            Ok(caller) => caller,
            Err(error) => {
                return match error.reason() {
                    Reason::Stale
                    | Reason::Storage
                    | Reason::Sealed
                    | Reason::Clock
                    | Reason::Internal => Err(error.into()),
                    // Ended, or never one: signing in again is what helps.
                    _ => Ok(Self(None)),
                };
            }
        };
        let Actor::User(user) = caller.actor.clone() else {
            return Ok(Self(None));
        };
        Ok(Self(Some(PageSession {
            caller,
            user,
            token,
        })))
    }
}

impl FromRequestParts<Web> for PageSession {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        let found = MaybeSession::from_request_parts(parts, web).await;
        let MaybeSession(found) = found.map_err(IntoResponse::into_response)?;
        found.ok_or_else(|| {
            let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            let next = (parts.method == Method::GET).then_some(path);
            see_other(&sign_in::path(web, next))
        })
    }
}

/// Goes on at `to` with a session that was started.
pub(crate) fn go_on(web: &Web, begun: &Started, to: &str) -> Response {
    let seconds = begun.session.expires_at.since(web.app().sources().now()) / 1_000;
    let mut response = see_other(to);
    add(&mut response, started(web, begun.token.expose(), seconds));
    response
}

/// The cookie of a session that was started; `seconds` is how long it lasts.
fn started(web: &Web, token: &str, seconds: i64) -> Option<HeaderValue> {
    set(web, SESSION, token, seconds)
}

/// Takes the cookie of a session from the browser.
pub(crate) fn ended(web: &Web) -> Option<HeaderValue> {
    set(web, SESSION, "", 0)
}

/// The value that the sign-in form has to repeat, if the browser has one.
pub(super) fn form_value<'a>(web: &Web, headers: &'a HeaderMap) -> Option<&'a str> {
    let value = cookie(headers, &name(web, FORM))?;
    let is_plain = value.bytes().all(|byte| byte.is_ascii_hexdigit());
    (value.len() == 64 && is_plain).then_some(value)
}

/// The cookie with the value that the sign-in form has to repeat.
pub(super) fn form_cookie(web: &Web, value: &str) -> Option<HeaderValue> {
    set(web, FORM, value, FORM_SECONDS)
}

/// Adds a cookie to an answer.
pub(crate) fn add(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// A cookie for this host alone, on every path, that scripts do not see and that other sites'
/// requests do not carry, but for links (RFC 6265bis section 4.1.3.2).
fn set(web: &Web, of: &str, value: &str, seconds: i64) -> Option<HeaderValue> {
    let name = name(web, of);
    let secure = secure(web);
    let cookie =
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut cookie = HeaderValue::from_str(&cookie).ok()?;
    cookie.set_sensitive(true);
    Some(cookie)
}

/// The attribute of cookies that go over https alone.
pub(crate) fn secure(web: &Web) -> &'static str {
    if is_https(web) { "; Secure" } else { "" }
}

/// Whether the browser has a cookie of this name.
pub(crate) fn has_cookie(headers: &HeaderMap, name: &str) -> bool {
    cookie(headers, name).is_some()
}

/// The name of a cookie: browsers take the prefix only with `Secure`, which loopback has not.
fn name(web: &Web, of: &str) -> String {
    if is_https(web) {
        format!("__Host-{of}")
    } else {
        of.to_owned()
    }
}

fn is_https(web: &Web) -> bool {
    web.app().settings().public_url.starts_with("https://")
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(COOKIE).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';'));
    pairs.find_map(|pair| {
        let (known, value) = pair.trim().split_once('=')?;
        (known == name && !value.is_empty()).then_some(value)
    })
}
