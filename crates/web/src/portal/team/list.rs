//! `/team`: members and open invitations.

use std::collections::HashMap;

use askama::Template;
use claviger_model::UnixMillis;
use claviger_model::ids::UserId;
use claviger_model::roles::{Powers, RoleRef};
use claviger_service::access::TeamAccess;
use claviger_service::invitations::{self, NamedInvitation};
use claviger_service::members::{self, NamedMember};
use claviger_service::{Caller, roles};

use super::{PATH, TITLE, role_title};
use crate::portal::parts::{Pager, Status, When};
use crate::portal::settings::tabs;
use crate::portal::shell::NavLink;
use crate::portal::{Answer, Band, Portal, ROWS, Section, Shell};

/// The list.
#[derive(Template)]
#[template(path = "portal/team.html")]
struct TeamPage {
    frame: Shell,
    title: &'static str,
    tabs: Vec<NavLink>,
    /// What was just done.
    done: Option<&'static str>,
    members: Vec<MemberRow>,
    pager: Pager,
    invitations: Vec<InvitationRow>,
    invite: String,
    roles: String,
    /// What API keys are called.
    keys_label: String,
}

/// A member as a row shows it.
struct MemberRow {
    called: String,
    /// The address, of somebody who is called something else.
    email: Option<String>,
    is_oneself: bool,
    /// Of somebody whom the operator lets sign in nowhere.
    suspended: Option<Status>,
    role: String,
    since: When,
    keys: i64,
    /// Where the role can be changed, and where the member can be removed.
    ways: Option<(String, String)>,
}

/// An open invitation as a row shows it.
struct InvitationRow {
    email: String,
    role: String,
    expires: When,
    withdraw: Option<String>,
}

/// Roles by what members refer to them with.
type Roles = HashMap<RoleRef, (String, Powers)>;

/// Shows the list.
pub async fn show(portal: Portal) -> Answer {
    let access = portal.allowed(Caller::team).await?;
    let app = portal.web.app();
    let now = app.sources().now();
    let after: Option<UserId> = portal.query.get("after").and_then(|text| text.parse().ok());
    let page = members::list(app, &access, after, ROWS).await?;
    let ids: Vec<UserId> = page.members.iter().map(|member| member.user_id).collect();
    let keys = members::keys_made(app, &access, &ids).await?;
    let roles = roles::list(app, &access).await?;
    let roles: Roles = roles
        .into_iter()
        .map(|role| (role.role, (role_title(&role), role.powers)))
        .collect();
    let own_id = portal.session.user().user_id;
    let members = page.members.into_iter().map(|member| {
        let keys = keys.get(&member.user_id).copied().unwrap_or_default();
        let is_oneself = member.user_id == own_id;
        member_row(&portal, &access, &roles, (member, keys, is_oneself), now)
    });
    let invited = invitations::list(app, &access).await?;
    let invited = invited.into_iter();
    let page = TeamPage {
        title: TITLE,
        tabs: tabs(&portal, Section::Team),
        done: done(portal.query.get("done")),
        members: members.collect(),
        pager: Pager {
            first: after.map(|_| portal.href(PATH)),
            next: page
                .next
                .map(|id| portal.href(format!("{PATH}?after={id}"))),
        },
        invitations: invited
            .map(|one| invitation_row(&portal, &access, &roles, one, now))
            .collect(),
        invite: portal.href(format!("{PATH}/invite")),
        roles: portal.href(crate::portal::roles::PATH),
        keys_label: app.settings().portal.labels.api_keys.clone(),
        frame: portal.shell(Section::Team, Band::Neither).await?,
    };
    Ok(Portal::page(page))
}

fn done(word: Option<&str>) -> Option<&'static str> {
    match word? {
        "role" => Some("The role was changed. It holds from the member's next request on."),
        "removed" => Some("The member was removed. Sessions and connected apps have ended."),
        "withdrawn" => Some("The invitation was withdrawn. Its link does not work any more."),
        _ => None,
    }
}

fn member_row(
    portal: &Portal,
    access: &TeamAccess,
    roles: &Roles,
    (member, keys, is_oneself): (NamedMember, i64, bool),
    now: UnixMillis,
) -> MemberRow {
    let role = roles.get(&member.role);
    // One whose role is gone can be taken out by everybody who manages the team.
    let is_mine = role.is_none_or(|(_, powers)| access.may_give(powers));
    let path = format!("{PATH}/{}", member.user_id);
    MemberRow {
        called: member.called().to_owned(),
        email: member.name.is_some().then_some(member.email),
        is_oneself,
        suspended: member.suspended_at.map(|_| Status::SUSPENDED),
        role: role.map_or(member.role_name, |(title, _)| title.clone()),
        since: When::of(member.created_at, now),
        keys,
        ways: is_mine.then(|| (portal.href(&path), portal.href(format!("{path}/remove")))),
    }
}

fn invitation_row(
    portal: &Portal,
    access: &TeamAccess,
    roles: &Roles,
    invitation: NamedInvitation,
    now: UnixMillis,
) -> InvitationRow {
    let role = roles.get(&invitation.role);
    let is_mine = role.is_none_or(|(_, powers)| access.may_give(powers));
    let path = format!("{PATH}/invitations/{}/withdraw", invitation.id);
    InvitationRow {
        email: invitation.email,
        role: role.map_or(invitation.role_name, |(title, _)| title.clone()),
        expires: When::of(invitation.expires_at, now),
        withdraw: is_mine.then(|| portal.href(path)),
    }
}
