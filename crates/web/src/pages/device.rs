//! `/device`: a user enters the code that a device shows, and decides what the device may do
//! (RFC 8628 section 3.3).
//!
//! Every step is a form that carries the code on, and finds it again.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use claviger_model::Reason;
use claviger_model::devices::UserCode;
use claviger_model::ids::AccountId;
use claviger_model::scopes::ScopeName;
use claviger_service::oauth::authorize::{AccountChoice, Step};
use claviger_service::oauth::device::{self, Asking, CodeError, Place, VERIFICATION_PATH};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use super::{Frame, MaybeSession, Notice, Page, PageForm, PageSession, see_other, sign_in};
use crate::error::Failure;
use crate::oauth::{authorize, parameters};
use crate::state::Web;

/// The longest code that is shown again, in characters.
const SHOWN_LENGTH_MAX: usize = 20;

/// The form for the code.
#[derive(Template)]
#[template(path = "device_code.html")]
struct CodePage {
    frame: Frame,
    form_token: String,
    user_code: String,
    /// What went wrong before.
    problem: Option<String>,
}

/// The choice of an account.
#[derive(Template)]
#[template(path = "device_account.html")]
struct AccountPage {
    frame: Frame,
    form_token: String,
    user_code: String,
    app: String,
    choices: Vec<AccountChoice>,
}

/// Shows the form for the code; a link may fill it in, but not send it.
pub async fn show(
    State(web): State<Web>,
    RawQuery(query): RawQuery,
    session: PageSession,
) -> Result<Response, Failure> {
    switched_on(&web)?;
    let query = parameters::read(query.unwrap_or_default().as_bytes());
    let user_code = query.get("user_code").unwrap_or_default();
    Ok(ask(&web, &session, user_code, None).into_response())
}

/// Takes the code, and then the decision.
pub async fn submit(
    State(web): State<Web>,
    MaybeSession(session): MaybeSession,
    form: PageForm,
) -> Result<Response, Failure> {
    switched_on(&web)?;
    let user_code = form.get("user_code").unwrap_or_default();
    let Some(session) = session else {
        // Signing in there leads back to the form.
        return Ok(see_other(&path(&web, user_code)));
    };
    if !session.is_own_form(&web, form.token()) {
        return Ok(sign_in::out_of_date(&web, path(&web, user_code)));
    }
    let asking = match device::find(web.app(), &session.caller, user_code).await {
        Ok(asking) => asking,
        Err(error) => return refused(&web, &session, user_code, error),
    };
    let account = form.get("account").and_then(|text| text.parse().ok());
    match (form.get("decision"), account) {
        (Some("allow"), Some(account)) => {
            let shown = form.get("scopes").unwrap_or_default().split(' ');
            let shown = shown.filter_map(|word| ScopeName::new(word).ok()).collect();
            allow(&web, &session, &asking, user_code, (account, shown)).await
        }
        (Some("deny"), _) => {
            device::deny(web.app(), &asking).await?;
            Ok(done(
                &web,
                &session,
                "Nothing was connected",
                "The device is told that you did not allow it. You can close this page.",
            ))
        }
        (Some("choose"), _) => {
            let place = Place {
                account: None,
                is_open: true,
            };
            question(&web, &session, &asking, user_code, place).await
        }
        (_, account) => {
            let place = Place {
                account,
                is_open: false,
            };
            question(&web, &session, &asking, user_code, place).await
        }
    }
}

async fn allow(
    web: &Web,
    session: &PageSession,
    asking: &Asking,
    user_code: &str,
    decided: (AccountId, Vec<ScopeName>),
) -> Result<Response, Failure> {
    let account = Some(decided.0);
    let approved = device::approve(web.app(), asking, &session.caller, decided).await;
    let lost_power = |reason| {
        let lost = [
            Reason::Inactive,
            Reason::AccountInactive,
            Reason::UserLacksAccess,
            Reason::PermissionRequired,
        ];
        lost.contains(&reason)
    };
    match approved {
        Ok(true) => {
            let sentence = format!(
                "{} can act for you on your device now. Go back to it; you can close this page.",
                asking.client.name
            );
            Ok(done(web, session, "The device is connected", &sentence))
        }
        // Somebody else decided in the meantime.
        Err(error) if error.reason() == Reason::Conflict => {
            refused(web, session, user_code, CodeError::Unknown)
        }
        Err(error) if !lost_power(error.reason()) => Err(error.into()),
        // What could be given when the page was shown is over: the next page says so.
        Ok(false) | Err(_) => {
            let place = Place {
                account,
                is_open: false,
            };
            question(web, session, asking, user_code, place).await
        }
    }
}

/// What the user is asked next.
async fn question(
    web: &Web,
    session: &PageSession,
    asking: &Asking,
    user_code: &str,
    place: Place,
) -> Result<Response, Failure> {
    match device::next(web.app(), asking, &session.caller, place).await? {
        Step::Consent(question) => {
            let code = shown(user_code);
            let other_user = sign_in::path(web, Some(&step_path(user_code)));
            Ok(authorize::device_consent(
                web,
                session,
                &asking.client,
                (code, other_user),
                *question,
            ))
        }
        Step::ChooseAccount(choices) => {
            let page = AccountPage {
                frame: Frame::of(web, session),
                form_token: session.form_token(web),
                user_code: shown(user_code),
                app: asking.client.name.to_string(),
                choices,
            };
            Ok(Page::new(page).into_response())
        }
        Step::SignIn | Step::Done(_) => Err(Failure::new(Reason::Internal)),
    }
}

/// The form once more, with what is wrong with the code.
fn refused(
    web: &Web,
    session: &PageSession,
    user_code: &str,
    error: CodeError,
) -> Result<Response, Failure> {
    match error {
        CodeError::Unknown => {
            let told = "There is no such code, or not any more. Compare it with the one on your \
                        device; after ten minutes the device has to show a new one.";
            let page = ask(web, session, user_code, Some(told));
            let page = page.status(StatusCode::UNPROCESSABLE_ENTITY);
            Ok(page.into_response())
        }
        CodeError::TooMany(seconds) => {
            let minutes = seconds.div_ceil(60);
            let told = format!("Too many wrong codes. Try again in {minutes} min.");
            let page = ask(web, session, user_code, Some(&told));
            let mut response = page.status(StatusCode::TOO_MANY_REQUESTS).into_response();
            let seconds = HeaderValue::from(seconds);
            response.headers_mut().insert(RETRY_AFTER, seconds);
            Ok(response)
        }
        CodeError::Failed(error) => Err(error.into()),
    }
}

fn ask(web: &Web, session: &PageSession, user_code: &str, problem: Option<&str>) -> Page<CodePage> {
    Page::new(CodePage {
        frame: Frame::of(web, session),
        form_token: session.form_token(web),
        user_code: shown(user_code),
        problem: problem.map(str::to_owned),
    })
}

fn done(web: &Web, session: &PageSession, title: &str, sentence: &str) -> Response {
    let notice = Notice {
        frame: Frame::of(web, session),
        title: title.to_owned(),
        sentence: sentence.to_owned(),
        detail: None,
        request_id: None,
        link: None,
    };
    Page::new(notice).into_response()
}

/// A code as the device shows it, or as much of something else as fits.
fn shown(entered: &str) -> String {
    if let Some(code) = UserCode::entered(entered) {
        return code.shown().to_string();
    }
    let is_of_code = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '-';
    let letters = entered.chars().filter(is_of_code);
    letters.take(SHOWN_LENGTH_MAX).collect()
}

/// The page with the code filled in, without the issuer's path.
fn step_path(user_code: &str) -> String {
    match shown(user_code).as_str() {
        "" => VERIFICATION_PATH.to_owned(),
        code => format!("{VERIFICATION_PATH}?user_code={code}"),
    }
}

fn path(web: &Web, user_code: &str) -> String {
    format!("{}{}", web.issuer_path(), step_path(user_code))
}

fn switched_on(web: &Web) -> Result<(), Failure> {
    if web.app().settings().oauth.device_grant {
        return Ok(());
    }
    Err(Failure::because(
        Reason::NotFound,
        "There is nothing at this path.",
    ))
}
