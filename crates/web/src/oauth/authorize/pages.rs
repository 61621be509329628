//! The pages of an authorization.

use askama::Template;
use axum::response::{IntoResponse, Response};
use claviger_model::Environment;
use claviger_service::oauth::authorize::{
    AccountChoice, AuthorizationParameters, AuthorizationRequest, ConsentQuestion, Maker,
};
use claviger_service::scopes::OfferedScope;

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
    let prefix = web.issuer_path();
    let change = || {
        let again = sent.clone().with("account", None);
        let again = again.with("prompted", Some("login"));
        let step = step_path(&again.with("prompt", Some("select_account")));
        format!("{prefix}{step}")
    };
    let shown: Vec<&str> = question.given().map(|name| name.as_str()).collect();
    let shown = shown.join(" ");
    let keeps = request
        .client
        .may_use(claviger_service::oauth::GrantType::RefreshToken);
    let page = ConsentPage {
        frame: Frame::of(web, session),
        app: App::of(request, question.maker.clone()),
        change_account: question.has_other_accounts.then(change),
        other_user: other_user(web, sent),
        destination: destination(&request.redirect_uri),
        refresh_token_days: keeps.then_some(web.app().settings().oauth.refresh_token_days),
        action: action(web, sent),
        form_token: session.form_token(web),
        shown,
        question,
    };
    let page = Page::new(page);
    page.forms_lead_to(form_targets(&request.redirect_uri))
        .into_response()
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
    fn of(request: &AuthorizationRequest, maker: Maker) -> Self {
        let client = &request.client;
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
