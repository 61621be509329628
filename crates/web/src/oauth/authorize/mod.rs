//! `GET|POST /oauth/authorize` and its steps: sign-in, the choice of an account, consent, and back
//! to the app (RFC 6749 section 4.1, RFC 9207).
//!
//! Nothing is kept between the steps: the whole request stays in the query of each.

mod consent;
mod pages;

pub(crate) use pages::{device_consent, sentence};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use claviger_model::Reason;
use claviger_service::oauth::authorize::{
    self, AuthorizationParameters, AuthorizeError, PageProblem, Step, Way,
};
use claviger_service::oauth::{ErrorCode, Source, documents};
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};

use super::parameters;
use crate::error::Failure;
use crate::extract::Origin;
use crate::pages::{Frame, MaybeSession, Notice, Page, PageSession, see_other, sign_in};
use crate::server::read_body;
use crate::state::Web;

/// The path of the endpoint, without the issuer's.
pub(crate) const ENDPOINT: &str = "/oauth/authorize";

/// The routes of the endpoint and its steps.
pub fn routes() -> Router<Web> {
    Router::new()
        // A HEAD would use up a code that nobody gets to see.
        .route(ENDPOINT, get(show).post(receive).head(no_head))
        .route("/oauth/authorize/consent", axum::routing::post(consent::answer))
}

/// What an app asks for: checked, and answered by whatever comes next.
async fn show(
    State(web): State<Web>,
    RawQuery(query): RawQuery,
    origin: Origin,
    MaybeSession(session): MaybeSession,
) -> Result<Response, Failure> {
    let sent = parameters::read(query.unwrap_or_default().as_bytes());
    describe(&web, &sent, origin).await?;
    let result = proceed(&web, &sent, session.as_ref()).await;
    told(&web, result, origin, session.as_ref()).await
}

/// The same by a form (RFC 6749 section 3.1). Cookies do not come with what another site posts, so
/// the browser is asked to come again.
async fn receive(
    State(web): State<Web>,
    RawQuery(query): RawQuery,
    request: Request<axum::body::Body>,
) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let content_type = parts.headers.get(CONTENT_TYPE);
    if !content_type.is_some_and(|value| is_form(value.as_bytes())) {
        let told = "Send application/x-www-form-urlencoded, or the parameters in the address.";
        return Err(Failure::because(Reason::UnsupportedMediaType, told));
    }
    let body = read_body(body).await?;
    let mut all = query.unwrap_or_default().into_bytes();
    all.push(b'&');
    all.extend_from_slice(&body);
    let text = String::from_utf8(all).ok();
    let text = text.filter(|text| text.bytes().all(|byte| (0x21..0x7f).contains(&byte)));
    let text = text.ok_or_else(|| {
        let told = "The form is not percent-encoded.";
        Failure::because(Reason::Malformed, told)
    })?;
    let text = text.trim_matches('&');
    Ok(see_other(&format!(
        "{}{ENDPOINT}?{text}",
        web.issuer_path()
    )))
}

/// Looks at the document of an app that is the address of one. What is wrong with it is told on the
/// page: it has no owner here who could look it up.
async fn describe(
    web: &Web,
    sent: &AuthorizationParameters,
    origin: Origin,
) -> Result<(), Failure> {
    let Some(client_id) = sent.get("client_id") else {
        return Ok(());
    };
    let source = Source {
        ip: origin.ip,
        request_id: Some(origin.request_id),
        user_agent: None,
    };
    let ensured = documents::ensure(web.app(), client_id, &source).await;
    ensured.map_err(|refusal| match (refusal.code, refusal.cause) {
        (_, Some(cause)) => Failure::from(*cause),
        (ErrorCode::RateLimited, None) => {
            Failure::because(Reason::RateLimited, refusal.description)
        }
        (_, None) => Failure::because(Reason::Malformed, refusal.description),
    })
}

async fn no_head() -> Failure {
    Failure::new(Reason::MethodNotAllowed)
}

fn is_form(content_type: &[u8]) -> bool {
    let essence = content_type.split(|byte| *byte == b';').next();
    let essence = essence.unwrap_or_default().trim_ascii();
    essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

async fn proceed(
    web: &Web,
    sent: &AuthorizationParameters,
    session: Option<&PageSession>,
) -> Result<Response, AuthorizeError> {
    let request = authorize::read(web.app(), sent, Way::Browser).await?;
    let caller = session.map(|session| &session.caller);
    let step = authorize::next(web.app(), &request, caller).await?;
    Ok(match (step, session) {
        (Step::Done(location), _) => see_other(&location),
        (Step::ChooseAccount(choices), Some(session)) => {
            pages::choose_account(web, session, &request, sent, choices)
        }
        (Step::Consent(question), Some(session)) => {
            pages::consent(web, session, &request, sent, *question)
        }
        (Step::SignIn | Step::ChooseAccount(_) | Step::Consent(_), _) => {
            let next = if request.prompt.login {
                sent.clone().prompted("login")
            } else {
                sent.clone()
            };
            see_other(&sign_in::path(web, Some(&step_path(&next))))
        }
    })
}

/// The path of the endpoint for these parameters, without the issuer's path.
fn step_path(parameters: &AuthorizationParameters) -> String {
    format!("{ENDPOINT}?{}", parameters.query())
}

/// Tells what became of a step: to the client where it may be told, else on a page.
async fn told(
    web: &Web,
    result: Result<Response, AuthorizeError>,
    origin: Origin,
    session: Option<&PageSession>,
) -> Result<Response, Failure> {
    match result {
        Ok(response) => Ok(response),
        Err(AuthorizeError::Redirect(error)) => {
            let issuer = &web.app().settings().public_url;
            Ok(see_other(&error.location(issuer)))
        }
        Err(AuthorizeError::Page(problem)) => {
            authorize::note_failure(web.app(), &problem, origin.request_id).await;
            Ok(problem_page(web, &problem, origin, session))
        }
        Err(AuthorizeError::Failed(error)) => Err(error.into()),
    }
}

/// What cannot be told to the client: whoever manages the app sees what is wrong, anybody else
/// whom to tell.
fn problem_page(
    web: &Web,
    problem: &PageProblem,
    origin: Origin,
    session: Option<&PageSession>,
) -> Response {
    let access = session.and_then(|session| session.caller.client_reading().ok());
    let sentence = "You were not sent on, because nobody knows who would get the answer. Tell \
                    whoever makes the app, and name the request below.";
    let notice = Notice {
        frame: session.map_or_else(|| Frame::new(web), |session| Frame::of(web, session)),
        title: problem.sentence.to_owned(),
        sentence: sentence.to_owned(),
        detail: problem.told_to(access.as_ref()).map(str::to_owned),
        request_id: Some(origin.request_id.to_string()),
        link: None,
    };
    Page::new(notice)
        .status(StatusCode::BAD_REQUEST)
        .into_response()
}

/// Where forms may lead whose answers redirect to this URI, as sources of `form-action`: browsers
/// apply it to each redirect that follows. The app's own page may go on to another host of the
/// app, which nobody here knows, so that for the web it is the scheme that is allowed.
pub(crate) fn form_targets(redirect_uri: &str) -> String {
    let (scheme, rest) = redirect_uri.split_once(':').unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    if scheme.is_empty() || !scheme.bytes().all(plain) || scheme.eq_ignore_ascii_case("https") {
        return "https:".to_owned();
    }
    let authority = rest.strip_prefix("//").unwrap_or_default();
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let in_source = |byte: u8| byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
    let is_writable = !authority.is_empty() && authority.bytes().all(in_source);
    if scheme.eq_ignore_ascii_case("http") && is_writable {
        return format!("http://{authority} https:");
    }
    // The syntax of a source has no room for an IPv6 address.
    format!("{scheme}: https:")
}

/// The host that an answer leads to, or for an app on the device what it is.
fn destination(redirect_uri: &str) -> String {
    let (scheme, rest) = redirect_uri.split_once(':').unwrap_or_default();
    let authority = rest.strip_prefix("//").unwrap_or_default();
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    match scheme {
        "https" => authority.to_owned(),
        "http" => format!("a program on this device ({authority})"),
        _ => format!("an app on this device ({scheme})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_may_lead_to_where_the_answer_goes() {
        for (uri, targets) in [
            ("https://app.test/cb", "https:"),
            ("http://127.0.0.1:4711/cb", "http://127.0.0.1:4711 https:"),
            ("http://[::1]:4711/cb", "http: https:"),
            ("com.acme.app:/cb", "com.acme.app: https:"),
            ("x;y:/cb", "https:"),
        ] {
            assert_eq!(form_targets(uri), targets, "{uri}");
        }
    }
}
