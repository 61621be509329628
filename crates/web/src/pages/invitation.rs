//! `/invitation`: accepting one in a browser.
//!
//! 1. The link carries the invitation's secret; nothing logs it and no page of ours passes it on.
//! 2. Whoever is signed in with the address joins with one click; somebody new chooses a password,
//!    and whoever has one gives it.
//! 3. The browser gets a session in the account, with a fresh token.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::Reason;
use claviger_service::Error;
use claviger_service::invitations::{self, Accepted, Offer};
use claviger_service::sessions::{self, SignIn, Started};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};
use zeroize::Zeroizing;

use super::sign_in::{self, out_of_date, own_value};
use super::{Frame, MaybeSession, Notice, Page, PageForm, PageSession, dates, random, session};
use crate::error::Failure;
use crate::extract::{Origin, user_agent};
use crate::oauth::parameters;
use crate::state::Web;

/// The path, without the issuer's.
pub(crate) const PATH: &str = "/invitation";
/// The parameter of the link that carries the secret.
pub(crate) const TOKEN: &str = "token";

/// What is offered, and what it takes to accept it.
#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage {
    frame: Frame,
    form_token: String,
    token: Zeroizing<String>,
    offer: Offer,
    until: String,
    asks: Asks,
    problem: Option<String>,
}

/// What it takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// Nothing: the address is that of whoever is signed in.
    Nothing,
    /// A password to be chosen.
    NewPassword,
    /// The password of the address.
    Password,
    /// Signing out first: somebody else is signed in.
    AnotherPerson,
}

/// Shows what is offered.
pub async fn show(
    State(web): State<Web>,
    uri: http::Uri,
    headers: HeaderMap,
    MaybeSession(signed_in): MaybeSession,
) -> Result<Response, Failure> {
    let query = parameters::read(uri.query().unwrap_or_default().as_bytes());
    let token = Zeroizing::new(query.get(TOKEN).unwrap_or_default().to_owned());
    let Some(offer) = look(&web, &token).await? else {
        return Ok(gone(&web));
    };
    let form_value = match session::form_value(&web, &headers) {
        Some(value) => value.to_owned(),
        None => random(&web)?,
    };
    let cookie = session::form_cookie(&web, &form_value);
    let page = page(&web, signed_in.as_ref(), (token, offer), form_value);
    let mut response = Page::new(page).into_response();
    session::add(&mut response, cookie);
    Ok(response)
}

/// Accepts it.
pub async fn accept(
    State(web): State<Web>,
    origin: Origin,
    headers: HeaderMap,
    MaybeSession(signed_in): MaybeSession,
    form: PageForm,
) -> Result<Response, Failure> {
    let token = Zeroizing::new(form.get(TOKEN).unwrap_or_default().to_owned());
    let Some(form_value) = own_value(&web, &headers, &form) else {
        return Ok(out_of_date(&web, sign_in::path(&web, None)));
    };
    let Some(offer) = look(&web, &token).await? else {
        return Ok(gone(&web));
    };
    let asks = asks(&offer, signed_in.as_ref());
    let joined = match (asks, &signed_in) {
        (Asks::Nothing, Some(session)) => as_signed_in(&web, &token, session).await,
        (Asks::AnotherPerson, Some(_)) => {
            let page = page(&web, signed_in.as_ref(), (token, offer), form_value);
            return Ok(Page::new(page)
                .status(StatusCode::FORBIDDEN)
                .into_response());
        }
        _ => {
            let password = form.get("password").unwrap_or_default();
            let password = Zeroizing::new(password.to_owned());
            with_password(&web, &token, password, (origin, user_agent(&headers))).await
        }
    };
    match joined {
        Ok(started) => {
            let home = format!("{}/", web.issuer_path());
            Ok(session::go_on(&web, &started, &home))
        }
        Err(error) => {
            let page = page(&web, signed_in.as_ref(), (token, offer), form_value);
            refused(page, error)
        }
    }
}

/// What the invitation offers; nothing for one that does not hold.
async fn look(web: &Web, token: &str) -> Result<Option<Offer>, Failure> {
    match invitations::look(web.app(), token).await {
        Ok(offer) => Ok(Some(offer)),
        Err(error) if error.reason() == Reason::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn as_signed_in(web: &Web, token: &str, session: &PageSession) -> Result<Started, Error> {
    let Accepted { account_id, .. } =
        invitations::accept_as(web.app(), token, &session.caller).await?;
    sessions::switch(web.app(), &session.caller, Some(account_id)).await
}

async fn with_password(
    web: &Web,
    token: &str,
    password: Zeroizing<String>,
    (origin, user_agent): (Origin, Option<String>),
) -> Result<Started, Error> {
    let app = web.app();
    let accepted = invitations::accept(app, token, password.clone(), origin.into()).await?;
    let sign_in = SignIn {
        email: accepted.email,
        password,
        account_id: Some(accepted.account_id),
        user_agent,
    };
    sessions::start(app, sign_in, origin.into()).await
}

fn asks(offer: &Offer, signed_in: Option<&PageSession>) -> Asks {
    match signed_in {
        Some(session) if session.user().email == offer.email => Asks::Nothing,
        Some(_) => Asks::AnotherPerson,
        None if offer.is_new_user => Asks::NewPassword,
        None => Asks::Password,
    }
}

fn page(
    web: &Web,
    signed_in: Option<&PageSession>,
    (token, offer): (Zeroizing<String>, Offer),
    form_token: String,
) -> InvitationPage {
    InvitationPage {
        frame: signed_in.map_or_else(|| Frame::new(web), |session| Frame::of(web, session)),
        asks: asks(&offer, signed_in),
        until: dates::day(offer.expires_at),
        form_token,
        token,
        offer,
        problem: None,
    }
}

/// The page again, with what was wrong.
fn refused(mut page: InvitationPage, error: Error) -> Result<Response, Failure> {
    let failure = Failure::from(error);
    let status = match failure.reason {
        // Of a sign-in page a wrong password is no 401: there is nothing to authenticate with.
        Reason::Validation | Reason::InvalidCredential => StatusCode::UNPROCESSABLE_ENTITY,
        Reason::Conflict | Reason::AccountInactive | Reason::RateLimited => failure.status(),
        _ => return Err(failure),
    };
    page.problem = Some(match failure.fields.first_key_value() {
        Some((_, sentence)) => format!("The password {sentence}."),
        None => failure.message.clone(),
    });
    let mut response = Page::new(page).status(status).into_response();
    if let Some(seconds) = failure.retry_after_seconds {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    Ok(response)
}

/// The answer to a link that leads to no invitation.
fn gone(web: &Web) -> Response {
    let notice = Notice {
        frame: Frame::new(web),
        title: "This invitation does not hold".to_owned(),
        sentence: "It was used, withdrawn, or is past its end, or the link was cut off. If you \
                   accepted it before, sign in. Otherwise ask whoever invited you for a new one."
            .to_owned(),
        detail: None,
        request_id: None,
        link: Some((sign_in::path(web, None), "Sign in")),
    };
    Page::new(notice)
        .status(StatusCode::NOT_FOUND)
        .into_response()
}
