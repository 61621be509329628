//! `/connected-apps`: what the user allowed apps to do, and the end of it.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::ids::GrantId;
use claviger_service::grants::{self, GrantFilter, GrantedScope, NamedGrant};
use http::Uri;

use super::{Frame, Page, PageForm, PageSession, dates, see_other, sign_in};
use crate::error::Failure;
use crate::extract::Id;
use crate::oauth::parameters;
use crate::state::Web;

/// The path of the list, without the issuer's.
pub(super) const PATH: &str = "/connected-apps";
/// Apps on one page.
const PAGE: u32 = 50;

/// The list.
#[derive(Template)]
#[template(path = "connected_apps.html")]
struct ListPage {
    frame: Frame,
    apps: Vec<ConnectedApp>,
    next: Option<String>,
}

/// Whether an app is to be disconnected.
#[derive(Template)]
#[template(path = "disconnect.html")]
struct ConfirmPage {
    frame: Frame,
    app: ConnectedApp,
    form_token: String,
}

/// An app that may act for the user.
struct ConnectedApp {
    id: GrantId,
    name: String,
    initial: String,
    account: String,
    scopes: Vec<GrantedScope>,
    since: Day,
    /// When the user agreed to more.
    extended: Option<Day>,
    last_used: Option<Day>,
}

/// A day, for people and for machines.
struct Day {
    told: String,
    machine: String,
}

/// Shows the apps.
pub async fn list(
    State(web): State<Web>,
    session: PageSession,
    uri: Uri,
) -> Result<Response, Failure> {
    let query = parameters::read(uri.query().unwrap_or_default().as_bytes());
    let filter = GrantFilter {
        account_id: None,
        user_id: None,
        client_id: None,
        after: query.get("after").and_then(|text| text.parse().ok()),
        limit: PAGE,
    };
    let access = session.caller.own_grants()?;
    let page = grants::list(web.app(), &access, filter).await?;
    let prefix = web.issuer_path();
    let next = page.next.map(|id| format!("{prefix}{PATH}?after={id}"));
    let page = ListPage {
        frame: Frame::of(&web, &session),
        apps: page.grants.into_iter().map(ConnectedApp::of).collect(),
        next,
    };
    Ok(Page::new(page).into_response())
}

/// Asks whether an app is to be disconnected, and says what that means.
pub async fn confirm(
    State(web): State<Web>,
    session: PageSession,
    Id(id): Id<GrantId>,
) -> Result<Response, Failure> {
    let access = session.caller.own_grants()?;
    let grant = grants::show(web.app(), &access, id).await?;
    let page = ConfirmPage {
        frame: Frame::of(&web, &session),
        form_token: session.form_token(&web),
        app: ConnectedApp::of(grant),
    };
    Ok(Page::new(page).into_response())
}

/// Disconnects an app.
pub async fn disconnect(
    State(web): State<Web>,
    session: PageSession,
    Id(id): Id<GrantId>,
    form: PageForm,
) -> Result<Response, Failure> {
    let list = format!("{}{PATH}", web.issuer_path());
    if !session.is_own_form(&web, form.token()) {
        return Ok(sign_in::out_of_date(&web, list));
    }
    let access = session.caller.own_grants()?;
    grants::end(web.app(), &access, id).await?;
    Ok(see_other(&list))
}

impl ConnectedApp {
    fn of(named: NamedGrant) -> Self {
        let grant = named.grant;
        let initial = named.client_name.chars().find(|c| c.is_alphanumeric());
        let is_extended = grant.consented_at != grant.created_at;
        Self {
            id: grant.id,
            initial: initial.unwrap_or('?').to_uppercase().to_string(),
            name: named.client_name,
            account: named.account_name,
            scopes: named.scopes,
            since: Day::of(grant.created_at),
            extended: is_extended.then(|| Day::of(grant.consented_at)),
            last_used: named.last_used_at.map(Day::of),
        }
    }
}

impl Day {
    fn of(at: claviger_model::UnixMillis) -> Self {
        Self {
            told: dates::day(at),
            machine: dates::machine_day(at),
        }
    }
}

/// A scope's sentence, or where its API has none, its name.
fn sentence(scope: &GrantedScope) -> &str {
    if scope.description.is_empty() {
        scope.name.as_str()
    } else {
        &scope.description
    }
}
