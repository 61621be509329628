//! `/operator/accounts`: the customers.

use askama::Template;
use claviger_model::UnixMillis;
use claviger_model::accounts::Account;
use claviger_model::ids::AccountId;
use claviger_service::accounts;

use super::PATH;
use crate::oauth::parameters::escape;
use crate::portal::operator::access;
use crate::portal::parts::{Pager, Status, When};
use crate::portal::{Answer, Band, Portal, ROWS, Section, Shell};

/// The list.
#[derive(Template)]
#[template(path = "portal/operator/accounts.html")]
struct AccountsPage {
    frame: Shell,
    action: String,
    name: String,
    rows: Vec<AccountRow>,
    pager: Pager,
    create: String,
}

struct AccountRow {
    href: String,
    id: AccountId,
    name: String,
    status: Status,
    created: When,
}

/// Shows the list, or what was looked for.
pub async fn show(portal: Portal) -> Answer {
    let access = access(&portal)?;
    let app = portal.web.app();
    let name = portal.query.get("name").unwrap_or_default().trim();
    let after = portal.query.get("after").and_then(|text| text.parse().ok());
    let page = accounts::find(app, &access, name, after, ROWS).await?;
    let now = app.sources().now();
    let here = |after: Option<AccountId>| {
        let mut query = Vec::new();
        if !name.is_empty() {
            query.push(format!("name={}", escape(name)));
        }
        query.extend(after.map(|after| format!("after={after}")));
        let mark = if query.is_empty() { "" } else { "?" };
        portal.at(format!("{PATH}{mark}{}", query.join("&")))
    };
    let page = AccountsPage {
        action: portal.at(PATH),
        name: name.to_owned(),
        rows: page
            .accounts
            .iter()
            .map(|account| row(&portal, account, now))
            .collect(),
        pager: Pager {
            first: after.is_some().then(|| here(None)),
            next: page.next.map(|next| here(Some(next))),
        },
        create: portal.at(format!("{PATH}/new")),
        frame: portal.shell(Section::Accounts, Band::Neither).await?,
    };
    Ok(Portal::page(page))
}

fn row(portal: &Portal, account: &Account, now: UnixMillis) -> AccountRow {
    AccountRow {
        href: super::href(portal, account.id),
        id: account.id,
        name: account.name.clone(),
        status: super::status(account),
        created: When::of(account.created_at, now),
    }
}
