//! `/operator/accounts/{id}`: one account, its people and how many credentials it has.

use askama::Template;
use claviger_model::accounts::{Account, AccountStatus};
use claviger_model::ids::{AccountId, UserId};
use claviger_model::roles::RoleRef;
use claviger_model::{Environment, UnixMillis};
use claviger_service::clients::{self, ListFilter};
use claviger_service::members::{self, NamedMember};
use claviger_service::{accounts, keys};

use super::{PATH, back};
use crate::error::Failure;
use crate::extract::Id;
use crate::portal::operator::access;
use crate::portal::parts::{Pager, Status, When};
use crate::portal::shell::capital;
use crate::portal::{Answer, Band, Portal, ROWS, Section, Shell};

/// How many clients are counted.
const CLIENTS_COUNTED: u32 = 100;

/// An account.
#[derive(Template)]
#[template(path = "portal/operator/account.html")]
struct AccountPage {
    frame: Shell,
    back: (String, String),
    /// What was just done.
    done: Option<&'static str>,
    id: AccountId,
    name: String,
    status: Status,
    suspended: Option<When>,
    created: When,
    /// What there is, and how much of it.
    counts: Vec<(String, String)>,
    members: Vec<MemberRow>,
    pager: Pager,
    path: String,
    enter: String,
}

struct MemberRow {
    email: String,
    role: String,
    suspended: Option<Status>,
    since: When,
}

/// Shows it.
pub async fn show(portal: Portal, Id(id): Id<AccountId>) -> Answer {
    let access = access(&portal)?;
    let app = portal.web.app();
    let now = app.sources().now();
    let account = accounts::show(app, &access, id).await?;
    let team = portal.caller().team_of(id)?;
    let after: Option<UserId> = portal.query.get("after").and_then(|text| text.parse().ok());
    let found = members::list(app, &team, after, ROWS).await?;
    let path = portal.at(format!("{PATH}/{id}"));
    let next = found.next.map(|next| format!("{path}?after={next}"));
    let page = AccountPage {
        back: back(&portal),
        done: done(portal.query.get("done")),
        id,
        status: super::status(&account),
        suspended: suspended_at(&account).map(|at| When::of(at, now)),
        created: When::of(account.created_at, now),
        counts: counts(&portal, id).await?,
        members: found
            .members
            .into_iter()
            .map(|member| row(member, now))
            .collect(),
        pager: Pager {
            first: after.is_some().then(|| path.clone()),
            next,
        },
        enter: portal.at(format!("/account/switch?account_id={id}")),
        name: account.name,
        path,
        frame: portal.shell(Section::Accounts, Band::Neither).await?,
    };
    Ok(Portal::page(page))
}

fn suspended_at(account: &Account) -> Option<UnixMillis> {
    match account.status {
        AccountStatus::Active => None,
        AccountStatus::Suspended { at } => Some(at),
    }
}

fn done(word: Option<&str>) -> Option<&'static str> {
    match word? {
        "renamed" => Some("The account was renamed."),
        "suspended" => Some("The account is suspended. None of its credentials works any more."),
        "active" => Some("The account is active. Its credentials work again."),
        "tokens" => Some("All tokens that were issued until now have ended."),
        "member" => Some("The member was added, and can sign in."),
        _ => None,
    }
}

async fn counts(portal: &Portal, id: AccountId) -> Result<Vec<(String, String)>, Failure> {
    let app = portal.web.app();
    let labels = &app.settings().portal.labels;
    let access = portal.caller().key_access_to(id)?;
    let mut told = Vec::new();
    for (environment, word) in [(Environment::Live, "live"), (Environment::Test, "test")] {
        let counts = keys::counts(app, &access, environment).await?;
        let (all, active) = (counts.all(), counts.active);
        let label = format!("{}, {word}", labels.api_keys);
        told.push((label, format!("{all}, of which {active} work")));
    }
    let filter = ListFilter {
        with_deleted: false,
        kind: None,
        environment: None,
        after: None,
        limit: CLIENTS_COUNTED,
    };
    let page = clients::list(app, &access, filter).await?;
    let more = if page.next.is_some() {
        "more than "
    } else {
        ""
    };
    let label = format!("{} and apps", labels.clients);
    told.push((label, format!("{more}{}", page.clients.len())));
    Ok(told)
}

fn row(member: NamedMember, now: UnixMillis) -> MemberRow {
    MemberRow {
        role: match member.role {
            RoleRef::BuiltIn(_) => capital(&member.role_name),
            RoleRef::Custom(_) => member.role_name,
        },
        suspended: member.suspended_at.map(|_| Status::SUSPENDED),
        since: When::of(member.created_at, now),
        email: member.email,
    }
}
