//! The portal: where customers and operators look after credentials.
//!
//! A page is a handler in the file of its noun, which takes a [`Portal`] or, for a form that was
//! sent, a [`Submission`], calls one use case and renders a template that has a [`Shell`] around
//! it. Every form posts to the path that shows it, and that path fills in what its query says: so
//! whoever has to sign in again finds what was typed.

pub mod account;
pub mod apps;
pub mod audit;
pub mod chart;
pub mod clients;
pub mod confirm;
pub mod connected_apps;
pub mod credentials;
pub mod decisions;
pub(crate) mod download;
pub mod environments;
pub mod find;
pub mod form;
pub mod keys;
pub mod legacy_key;
mod links;
pub mod once;
pub mod operator;
pub mod overview;
pub mod parts;
pub mod roles;
pub mod samples;
pub mod scopes;
pub mod settings;
pub mod shell;
pub mod submission;
pub mod team;
mod traffic;
pub mod usage;
pub mod webhooks;

use std::fmt::Display;

use askama::Template;
use axum::Router;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use claviger_model::{Environment, Reason};
use claviger_service::actor::Place;
use claviger_service::{Caller, Error, members};
use http::request::Parts;

use crate::error::Failure;
use crate::pages::{Fields, Page, PageSession, is_below};
use crate::state::Web;

pub use shell::{Band, Section, Shell};
pub use submission::Submission;

/// What a page answers.
pub type Answer = Result<Response, Failure>;

/// How many rows a page of a list has.
pub(crate) const ROWS: u32 = 20;

/// Paths below which everything is a page of the portal, whatever a client says that it accepts.
const PATHS: &[&str] = &[
    "/account",
    "/apps",
    "/audit",
    "/clients",
    "/credentials",
    "/decisions",
    "/environments",
    "/find",
    "/keys",
    "/legacy-key",
    "/roles",
    "/settings",
    "/team",
    operator::PATH,
    "/usage",
    webhooks::PATH,
];

/// The routes of the portal.
pub fn routes() -> Router<Web> {
    Router::new()
        .route("/", get(overview::show))
        .route("/credentials", get(credentials::show))
        .route("/find", get(find::show).post(find::find))
        .route("/keys", get(keys::list::show))
        .route("/keys/new", get(keys::new::show).post(keys::new::create))
        .route("/keys/{id}", get(keys::show::show).post(keys::show::save))
        .route(
            "/keys/{id}/revoke",
            get(keys::revoke::ask).post(keys::revoke::revoke),
        )
        .merge(evidence_and_apps())
        .merge(operator::routes())
        .merge(people())
        .merge(clients::routes())
        .merge(webhooks::routes())
        .route(
            "/legacy-key",
            get(legacy_key::show).post(legacy_key::generate),
        )
        .route(
            "/legacy-key/revert",
            get(legacy_key::ask).post(legacy_key::revert),
        )
}

fn evidence_and_apps() -> Router<Web> {
    Router::new()
        .route(
            "/decisions",
            get(decisions::list::show).post(decisions::list::search),
        )
        .route("/decisions/{id}", get(decisions::show::show))
        .route("/audit", get(audit::list::show).post(audit::list::search))
        .merge(apps::routes())
        .route("/connected-apps", get(connected_apps::list))
        .route(
            "/connected-apps/{id}/disconnect",
            get(connected_apps::confirm).post(connected_apps::disconnect),
        )
        .route("/audit/export", get(audit::export::send))
        .route("/audit/{id}/proof", get(audit::export::proof))
        .route("/usage", get(usage::show::show))
        .route("/usage.csv", get(usage::csv::show))
}

/// The routes of one's own settings, the team's and the account's.
fn people() -> Router<Web> {
    use account::{password, sessions, show, switch};
    use team::{invite, member, withdraw};
    Router::new()
        .route("/account", get(show::show).post(show::save))
        .route(
            "/account/password",
            get(password::show).post(password::change),
        )
        .route(
            "/account/sessions/end",
            get(sessions::ask_others).post(sessions::end_others),
        )
        .route(
            "/account/sessions/{id}/end",
            get(sessions::ask).post(sessions::end),
        )
        .route("/account/switch", get(switch::show).post(switch::switch))
        .route("/settings", get(settings::show).post(settings::save))
        .route("/environments", get(environments::show))
        .route(
            "/environments/reset",
            get(environments::reset::ask).post(environments::reset::reset),
        )
        .route("/team", get(team::list::show))
        .route("/team/invite", get(invite::show).post(invite::create))
        .route("/team/{id}", get(member::show).post(member::save))
        .route("/team/{id}/remove", get(member::ask).post(member::remove))
        .route(
            "/team/invitations/{id}/withdraw",
            get(withdraw::ask).post(withdraw::withdraw),
        )
        .route("/roles", get(roles::list::show))
        .route(
            "/roles/new",
            get(roles::one::show_new).post(roles::one::create),
        )
        .route("/roles/{id}", get(roles::one::show).post(roles::one::save))
        .route(
            "/roles/{id}/delete",
            get(roles::delete::ask).post(roles::delete::delete),
        )
}

/// Whether a path is of a page of the portal.
pub(crate) fn is_page(path: &str) -> bool {
    is_below(PATHS, path)
}

/// Whether a path that is asked for as a page is one around which the portal can stand; others have
/// a sheet of their own.
pub(crate) fn is_around(path: &str) -> bool {
    !crate::pages::is_page(path) || is_below(&["/connected-apps"], path)
}

/// Somebody who is signed in and looks at a page of the portal.
pub struct Portal {
    /// The state.
    pub web: Web,
    /// Who.
    pub session: PageSession,
    /// Which environment's things are looked at: what the query says, or live.
    pub environment: Environment,
    /// The query, of which forms fill themselves in.
    pub query: Fields,
    /// The path of the page, without the issuer's.
    path: String,
}

impl FromRequestParts<Web> for Portal {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        let session = PageSession::from_request_parts(parts, web).await?;
        let query = Fields::of_query(parts.uri.query().unwrap_or_default());
        let environment = query.get("environment").and_then(Environment::parse);
        Ok(Self {
            web: web.clone(),
            session,
            environment: environment.unwrap_or(Environment::Live),
            query,
            path: parts.uri.path().to_owned(),
        })
    }
}

impl Portal {
    /// Who is signed in.
    pub fn caller(&self) -> &Caller {
        &self.session.caller
    }

    /// Where the signed-in user acts.
    ///
    /// # Errors
    /// An operator who is in no account: the page is of none.
    pub fn place(&self) -> Result<&Place, Failure> {
        self.session.user().place.as_ref().ok_or_else(|| {
            let message = "You are in no account. Operators look after the instance; ask a member \
                           of an account to invite you.";
            Failure::because(Reason::PermissionRequired, message)
        })
    }

    /// The permission that `ask` asks for; a refusal says who could help.
    pub async fn allowed<T>(
        &self,
        ask: impl FnOnce(&Caller) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let error = match ask(self.caller()) {
            Ok(permission) => return Ok(permission),
            Err(error) => error,
        };
        let mut failure = Failure::from(error);
        if let Some(place) = &self.session.user().place
            && failure.reason == Reason::PermissionRequired
        {
            let people = members::who_manages(self.web.app(), place).await?;
            if !people.is_empty() {
                failure.message = format!("{} Ask {}.", failure.message, people.join(" or "));
            }
        }
        Err(failure)
    }

    /// A path of ours with the issuer's before it, and the environment behind it unless it is
    /// live.
    pub fn href(&self, path: impl Display) -> String {
        href(&self.web, path, self.environment)
    }

    /// The path of this page, with the issuer's before it.
    pub fn own_path(&self) -> String {
        format!("{}{}", self.web.issuer_path(), self.path)
    }

    /// What stands around a page.
    pub async fn shell(&self, section: Section, band: Band) -> Result<Shell, Failure> {
        Shell::of(self, section, band).await
    }

    /// An answer with a page.
    pub fn page(template: impl Template) -> Response {
        Page::new(template).into_response()
    }
}

/// A path of ours in an environment.
pub(crate) fn href(web: &Web, path: impl Display, environment: Environment) -> String {
    let prefix = web.issuer_path();
    match environment {
        Environment::Live => format!("{prefix}{path}"),
        Environment::Test => {
            let path = path.to_string();
            let mark = if path.contains('?') { '&' } else { '?' };
            format!("{prefix}{path}{mark}environment=test")
        }
    }
}
