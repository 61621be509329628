//! `/sign-in` and `/sign-out`: the session of a browser begins and ends.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::Reason;
use claviger_service::oauth::authorize::{self, AuthorizationRequest, AuthorizeError, Way};
use claviger_service::sessions::{self, SignIn};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Frame, MaybeSession, Notice, Page, PageForm, PageSession, see_other, session};
use crate::error::Failure;
use crate::extract::{Origin, user_agent};
use crate::oauth::authorize::{ENDPOINT, form_targets};
use crate::oauth::parameters;
use crate::state::Web;

/// Where one goes who signed in for nothing in particular.
const HOME: &str = "/";
/// The longest path that is remembered while somebody signs in, in bytes.
const NEXT_BYTES_MAX: usize = 16_000;

/// The sign-in form.
#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    form_token: String,
    next: Option<String>,
    email: String,
    /// What went wrong before.
    problem: Option<String>,
    app: Option<AppAsking>,
}

/// The app that one signs in for.
struct AppAsking {
    name: String,
    /// Where the app is told that the user does not want to.
    cancel: String,
}

/// The path of the form; `next` is where it leads on, without the issuer's path.
pub(crate) fn path(web: &Web, next: Option<&str>) -> String {
    let mut path = format!("{}/sign-in", web.issuer_path());
    if let Some(next) = next {
        path.push_str("?next=");
        path.push_str(&parameters::escape(next));
    }
    path
}

/// Shows the form, whoever is signed in: somebody else may want to.
pub async fn show(
    State(web): State<Web>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let query = parameters::read(uri.query().unwrap_or_default().as_bytes());
    let next = query.get("next").filter(|next| is_local(next));
    let asked = asking(&web, next).await?;
    let email = asked.login_hint.clone().unwrap_or_default();
    let form_value = match session::form_value(&web, &headers) {
        Some(value) => value.to_owned(),
        None => super::random(&web)?,
    };
    let cookie = session::form_cookie(&web, &form_value);
    let page = SignInPage {
        frame: Frame::new(&web),
        form_token: form_value,
        next: next.map(str::to_owned),
        email,
        problem: None,
        app: asked.app,
    };
    let page = Page::new(page).forms_lead_to(asked.form_targets);
    let mut response = page.into_response();
    session::add(&mut response, cookie);
    Ok(response)
}

/// Signs in: a fresh session each time, and the end of the one before.
pub async fn submit(
    State(web): State<Web>,
    origin: Origin,
    headers: HeaderMap,
    MaybeSession(before): MaybeSession,
    form: PageForm,
) -> Result<Response, Failure> {
    let next = form.get("next").filter(|next| is_local(next));
    let Some(form_value) = own_value(&web, &headers, &form) else {
        return Ok(out_of_date(&web, path(&web, next)));
    };
    let email = form.get("email").unwrap_or_default().to_owned();
    let sign_in = SignIn {
        email: email.clone(),
        password: Zeroizing::new(form.get("password").unwrap_or_default().to_owned()),
        account_id: None,
        user_agent: user_agent(&headers),
    };
    let started = match sessions::start(web.app(), sign_in, origin.into()).await {
        Ok(started) => started,
        Err(error) => {
            let failure = Failure::from(error);
            return refused(&web, failure, form_value, (email, next)).await;
        }
    };
    if let Some(before) = before
        && let Err(error) = sessions::end(web.app(), &before.caller).await
    {
        // The new one is there and the browser forgets the old one: no reason to fail.
        tracing::warn!(%error, "the session before a sign-in could not be ended");
    }
    let next = next.unwrap_or(HOME);
    let to = format!("{}{next}", web.issuer_path());
    Ok(session::go_on(&web, &started, &to))
}

/// Signs out.
pub async fn sign_out(
    State(web): State<Web>,
    session: PageSession,
    form: PageForm,
) -> Result<Response, Failure> {
    if !session.is_own_form(&web, form.token()) {
        return Ok(out_of_date(&web, format!("{}{HOME}", web.issuer_path())));
    }
    sessions::end(web.app(), &session.caller).await?;
    let mut response = see_other(&path(&web, None));
    session::add(&mut response, session::ended(&web));
    Ok(response)
}

/// The answer to a form that is not one of the session's own.
pub(crate) fn out_of_date(web: &Web, link: String) -> Response {
    let notice = Notice {
        frame: Frame::new(web),
        title: "This form is out of date".to_owned(),
        sentence: "Nothing was done. Somebody has signed in or out in this browser since the \
                   page was opened, or its cookies are switched off."
            .to_owned(),
        detail: None,
        request_id: None,
        link: Some((link, "Try again")),
    };
    Page::new(notice)
        .status(StatusCode::FORBIDDEN)
        .into_response()
}

/// The form again, with what went wrong; what was typed stays, but for the password.
async fn refused(
    web: &Web,
    failure: Failure,
    form_token: String,
    (email, next): (String, Option<&str>),
) -> Result<Response, Failure> {
    let status = match failure.reason {
        Reason::InvalidCredential => StatusCode::UNPROCESSABLE_ENTITY,
        Reason::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Reason::AccountInactive | Reason::PermissionRequired => StatusCode::FORBIDDEN,
        _ => return Err(failure),
    };
    let asked = asking(web, next).await?;
    let page = SignInPage {
        frame: Frame::new(web),
        form_token,
        next: next.map(str::to_owned),
        email,
        problem: Some(failure.message),
        app: asked.app,
    };
    let page = Page::new(page).status(status);
    let mut response = page.forms_lead_to(asked.form_targets).into_response();
    if let Some(seconds) = failure.retry_after_seconds {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    Ok(response)
}

/// What is known of the app that one signs in for.
#[derive(Default)]
struct Asked {
    app: Option<AppAsking>,
    login_hint: Option<String>,
    /// Where the form may lead in the end.
    form_targets: String,
}

async fn asking(web: &Web, next: Option<&str>) -> Result<Asked, Failure> {
    let query = next.and_then(|next| next.strip_prefix(ENDPOINT)?.strip_prefix('?'));
    let Some(query) = query else {
        return Ok(Asked::default());
    };
    let sent = parameters::read(query.as_bytes());
    match authorize::read(web.app(), &sent, Way::Browser).await {
        Ok(request) => Ok(Asked::of(web, &request)),
        Err(AuthorizeError::Redirect(error)) => Ok(Asked {
            form_targets: form_targets(&error.redirect_uri),
            ..Asked::default()
        }),
        // The endpoint will say so.
        Err(AuthorizeError::Page(_)) => Ok(Asked::default()),
        Err(AuthorizeError::Failed(error)) => Err(error.into()),
    }
}

impl Asked {
    fn of(web: &Web, request: &AuthorizationRequest) -> Self {
        let issuer = &web.app().settings().public_url;
        Self {
            app: Some(AppAsking {
                name: request.client.name.to_string(),
                cancel: authorize::deny(request).location(issuer),
            }),
            login_hint: request.login_hint.clone(),
            form_targets: form_targets(&request.redirect_uri),
        }
    }
}

/// The value that cookie and form agree on.
pub(super) fn own_value(web: &Web, headers: &HeaderMap, form: &PageForm) -> Option<String> {
    let kept = session::form_value(web, headers)?;
    let sent = form.token()?;
    let is_same = bool::from(kept.as_bytes().ct_eq(sent.as_bytes()));
    is_same.then(|| kept.to_owned())
}

/// Whether a text is a path on this host: browsers read `//` and `/\` as the start of a host, and
/// leave control characters out.
fn is_local(next: &str) -> bool {
    let path = next.split('?').next().unwrap_or_default();
    next.len() <= NEXT_BYTES_MAX
        && path.starts_with('/')
        && !path.contains("//")
        && !next.contains('\\')
        && next.bytes().all(|byte| (0x21..0x7f).contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_paths_of_this_host_are_gone_on_to() {
        for good in ["/", "/connected-apps", "/oauth/authorize?a=b&c=https://x"] {
            assert!(is_local(good), "{good}");
        }
        for bad in [
            "",
            "connected-apps",
            "https://evil.test/",
            "//evil.test",
            "///evil.test",
            "/\\evil.test",
            "\\/evil.test",
            "/x//y",
            "/\t/evil.test",
            "/\n",
            " /x",
            "/x y",
            "javascript:alert(1)",
            "/\u{2028}",
        ] {
            assert!(!is_local(bad), "{bad}");
        }
    }
}
