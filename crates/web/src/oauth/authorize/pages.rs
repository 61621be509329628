//! The pages of an authorization.

use askama::Template;
use axum::response::{IntoResponse, Response};
use claviger_model::Environment;
use claviger_service::oauth::GrantType;
use claviger_service::oauth::authorize::{
    AccountChoice, AuthorizationParameters, AuthorizationRequest, ConsentQuestion, Maker,
};
use claviger_service::oauth::device::VERIFICATION_PATH;
use claviger_service::scopes::OfferedScope;
use claviger_verify::entries::ClientEntry;

use super::{ENDPOINT, destination, form_targets, step_path};
use crate::pages::{Frame, Page, PageSession, sign_in};
use crate::state::Web;

/// The choice of an account.
#[derive(Template)]
#[template(path = "choose_account.html")]
struct ChooseAccountPage {
    frame: Frame,
    app: String,
    email: String,
    other_user: String,
    choices: Vec<(AccountChoice, String)>,
    action: String,
    form_token: String,
}

/// Consent.
#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage {
    frame: Frame,
    app: App,
    question: ConsentQuestion,
    /// Where another account is chosen.
    change_account: Option<String>,
    other_user: String,
    destination: String,
    refresh_token_days: Option<u32>,
    action: String,
    form_token: String,
    /// The code of the device that asks, if it is one.
    user_code: Option<String>,
    /// What the page shows, so that nothing is given that it did not.
    shown: String,
}

/// An app as its user sees it.
struct App {
    name: String,
    initial: String,
    maker: Maker,
    is_test: bool,
    links: Vec<(&'static str, String)>,
}

/// Asks where the app is to act.
pub(super) fn choose_account(
    web: &Web,
    session: &PageSession,
    request: &AuthorizationRequest,
    sent: &AuthorizationParameters,
    choices: Vec<AccountChoice>,
) -> Response {
    let chosen = sent.clone().prompted("select_account");
    let prefix = web.issuer_path();
    let link = |choice: AccountChoice| {
        let id = choice.id.to_string();
        let step = step_path(&chosen.clone().with("account", Some(&id)));
        (choice, format!("{prefix}{step}"))
    };
    let page = ChooseAccountPage {
        frame: Frame::of(web, session),
        app: request.client.name.to_string(),
        email: session.user().email.clone(),
        other_user: other_user(web, sent),
        choices: choices.into_iter().map(link).collect(),
        action: action(web, sent),
        form_token: session.form_token(web),
    };
    let page = Page::new(page);
    page.forms_lead_to(form_targets(&request.redirect_uri))
        .into_response()
}

/// Asks whether the app may do what it asks for.
pub(super) fn consent(
    web: &Web,
    session: &PageSession,
    request: &AuthorizationRequest,
    sent: &AuthorizationParameters,
    question: ConsentQuestion,
) -> Response {
    let change = || {
        let step = step_path(&sent.clone().choosing_account());
        format!("{}{step}", web.issuer_path())
    };
    let around = Around {
        change_account: question.has_other_accounts.then(change),
        other_user: other_user(web, sent),
        destination: destination(&request.redirect_uri),
        action: action(web, sent),
        user_code: None,
    };
    let page = ConsentPage::new(web, session, &request.client, question, around);
    let page = Page::new(page);
    page.forms_lead_to(form_targets(&request.redirect_uri))
        .into_response()
}

/// Asks whether the app on a device may do what it asks for. `user_code` is what the device shows,
/// `other_user` where somebody else signs in.
pub(crate) fn device_consent(
    web: &Web,
    session: &PageSession,
    client: &ClientEntry,
    (user_code, other_user): (String, String),
    question: ConsentQuestion,
) -> Response {
    let around = Around {
        change_account: None,
        other_user,
        destination: format!("the device that shows {user_code}"),
        action: format!("{}{VERIFICATION_PATH}", web.issuer_path()),
        user_code: Some(user_code),
    };
    let page = ConsentPage::new(web, session, client, question, around);
    Page::new(page).into_response()
}

/// What differs between the ways on which an app asks.
struct Around {
    change_account: Option<String>,
    other_user: String,
    destination: String,
    action: String,
    user_code: Option<String>,
}

impl ConsentPage {
    fn new(
        web: &Web,
        session: &PageSession,
        client: &ClientEntry,
        question: ConsentQuestion,
        around: Around,
    ) -> Self {
        let shown: Vec<&str> = question
            .given()
            .map(claviger_model::scopes::ScopeName::as_str)
            .collect();
        let keeps = client.may_use(GrantType::RefreshToken);
        Self {
            frame: Frame::of(web, session),
            app: App::of(client, question.maker.clone()),
            change_account: around.change_account,
            other_user: around.other_user,
            destination: around.destination,
            refresh_token_days: keeps.then_some(web.app().settings().oauth.refresh_token_days),
            action: around.action,
            user_code: around.user_code,
            form_token: session.form_token(web),
            shown: shown.join(" "),
            question,
        }
    }
}

/// Where consent is sent to.
fn action(web: &Web, sent: &AuthorizationParameters) -> String {
    format!("{}{ENDPOINT}/consent?{}", web.issuer_path(), sent.query())
}

/// Where somebody else signs in for the same app.
fn other_user(web: &Web, sent: &AuthorizationParameters) -> String {
    let next = sent.clone().with("account", None).with("login_hint", None);
    sign_in::path(web, Some(&step_path(&next.prompted("login"))))
}

impl App {
    fn of(client: &ClientEntry, maker: Maker) -> Self {
        let links = &client.metadata.links;
        let links = [
            ("Website", &links.client_uri),
            ("Privacy policy", &links.policy_uri),
            ("Terms", &links.tos_uri),
        ];
        let web_link = |(told, link): (&'static str, &Option<String>)| {
            let link = link
                .as_deref()
                .filter(|link| link.starts_with("https://"))?;
            Some((told, link.to_owned()))
        };
        let name = client.name.to_string();
        let initial = name.chars().find(|letter| letter.is_alphanumeric());
        let initial = initial.unwrap_or('?').to_uppercase().to_string();
        Self {
            name,
            initial,
            maker,
            is_test: client.environment == Environment::Test,
            links: links.into_iter().filter_map(web_link).collect(),
        }
    }
}

/// A scope's sentence, or where its API has none, its name.
pub(crate) fn sentence(scope: &OfferedScope) -> &str {
    if scope.description.is_empty() {
        scope.name.as_str()
    } else {
        &scope.description
    }
}
