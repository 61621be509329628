//! `/roles`: every role of the account.

use askama::Template;
use claviger_model::roles::RoleRef;
use claviger_service::roles::{self, NamedRole};
use claviger_service::{Caller, access::TeamAccess};

use super::PATH;
use crate::portal::scopes::FewScopes;
use crate::portal::settings::tabs;
use crate::portal::shell::NavLink;
use crate::portal::team::{self, permission_title, role_sentence, role_title};
use crate::portal::{Answer, Band, Portal, Section, Shell};

/// The list.
#[derive(Template)]
#[template(path = "portal/roles.html")]
struct RolesPage {
    frame: Shell,
    tabs: Vec<NavLink>,
    back: (String, String),
    /// What was just done.
    done: Option<&'static str>,
    rows: Vec<Row>,
    create: String,
}

/// A role as a row shows it.
struct Row {
    name: String,
    /// Of a built-in one: what it is for.
    sentence: Option<String>,
    permissions: Vec<String>,
    scopes: FewScopes,
    /// Where it can be changed and deleted.
    ways: Option<(String, String)>,
}

/// Shows the list.
pub async fn show(portal: Portal) -> Answer {
    let access = portal.allowed(Caller::team).await?;
    let found = roles::list(portal.web.app(), &access).await?;
    let page = RolesPage {
        tabs: tabs(&portal, Section::Team),
        back: (portal.href(team::PATH), team::TITLE.to_owned()),
        done: match portal.query.get("done") {
            Some("created") => Some("The role was made. Members and invitations can have it now."),
            Some("saved") => Some("Saved. It holds from the members' next requests on."),
            Some("deleted") => Some("The role was deleted."),
            _ => None,
        },
        rows: found
            .iter()
            .map(|role| row(&portal, &access, role))
            .collect(),
        create: portal.href(format!("{PATH}/new")),
        frame: portal.shell(Section::Team, Band::Neither).await?,
    };
    Ok(Portal::page(page))
}

fn row(portal: &Portal, access: &TeamAccess, role: &NamedRole) -> Row {
    let held = role.powers.permissions.iter();
    let ways = match role.role {
        RoleRef::Custom(id) if access.may_give(&role.powers) => Some((
            portal.href(format!("{PATH}/{id}")),
            portal.href(format!("{PATH}/{id}/delete")),
        )),
        _ => None,
    };
    Row {
        name: role_title(role),
        sentence: matches!(role.role, RoleRef::BuiltIn(_)).then(|| role_sentence(role)),
        permissions: held.map(|one| permission_title(*one)).collect(),
        scopes: FewScopes::of(&role.powers.scopes.0),
        ways,
    }
}
