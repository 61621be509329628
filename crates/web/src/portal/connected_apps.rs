//! `/connected-apps`: what the user allowed apps to do, and the end of it.

use askama::Template;
use axum::extract::State;
use claviger_model::ids::GrantId;
use claviger_service::grants::{self, GrantFilter, GrantedScope, NamedGrant};

use super::{Answer, Band, Portal, Section, Shell};
use crate::extract::Id;
use crate::pages::{PageForm, PageSession, dates, see_other, sign_in};
use crate::state::Web;

/// The path of the list, without the issuer's.
pub(crate) const PATH: &str = "/connected-apps";
/// Apps on one page.
const PAGE: u32 = 50;

/// The list.
#[derive(Template)]
#[template(path = "portal/connected_apps.html")]
struct ListPage {
    frame: Shell,
    apps: Vec<ConnectedApp>,
    next: Option<String>,
}

/// Whether an app is to be disconnected.
#[derive(Template)]
#[template(path = "portal/disconnect.html")]
struct ConfirmPage {
    frame: Shell,
    app: ConnectedApp,
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
pub async fn list(portal: Portal) -> Answer {
    let filter = GrantFilter {
        account_id: None,
        user_id: None,
        client_id: None,
        after: portal.query.get("after").and_then(|text| text.parse().ok()),
        limit: PAGE,
    };
    let access = portal.caller().own_grants()?;
    let page = grants::list(portal.web.app(), &access, filter).await?;
    let next = page
        .next
        .map(|id| portal.href(format!("{PATH}?after={id}")));
    let page = ListPage {
        frame: portal.shell(Section::ConnectedApps, Band::Neither).await?,
        apps: page.grants.into_iter().map(ConnectedApp::of).collect(),
        next,
    };
    Ok(Portal::page(page))
}

/// Asks whether an app is to be disconnected, and says what that means.
pub async fn confirm(portal: Portal, Id(id): Id<GrantId>) -> Answer {
    let access = portal.caller().own_grants()?;
    let grant = grants::show(portal.web.app(), &access, id).await?;
    let page = ConfirmPage {
        frame: portal.shell(Section::ConnectedApps, Band::Neither).await?,
        app: ConnectedApp::of(grant),
    };
    Ok(Portal::page(page))
}

/// Disconnects an app. Nobody has typed anything that a form out of date would have to keep.
pub async fn disconnect(
    State(web): State<Web>,
    session: PageSession,
    Id(id): Id<GrantId>,
    form: PageForm,
) -> Answer {
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
