//! `/account/switch`: going on in another account, without the password.

use askama::Template;
use claviger_model::accounts::{Account, AccountStatus};
use claviger_model::ids::AccountId;
use claviger_service::accounts::{self, Mine};
use claviger_service::sessions;

use super::back;
use crate::error::Failure;
use crate::pages::session;
use crate::portal::parts::Status;
use crate::portal::shell::capital;
use crate::portal::{Answer, Band, Portal, Section, Shell, Submission};

/// The path, without the issuer's.
pub(in crate::portal) const PATH: &str = "/account/switch";
/// The account of those who want to be in none.
const NONE: &str = "none";

/// The choice.
#[derive(Template)]
#[template(path = "portal/switch.html")]
struct SwitchPage {
    frame: Shell,
    back: (String, String),
    choices: Vec<Choice>,
}

/// An account to go on in.
struct Choice {
    /// What is sent.
    account_id: String,
    name: String,
    /// The role there.
    role: String,
    is_current: bool,
    /// Of one in which only operators act.
    suspended: Option<Status>,
    /// Whether it is entered by an operator who is no member.
    is_entered: bool,
    button: &'static str,
}

/// Whether there is anything to choose from.
pub(in crate::portal) async fn is_offered(portal: &Portal) -> Result<bool, Failure> {
    if portal.session.user().is_operator {
        return Ok(true);
    }
    Ok(accounts::has_several(portal.web.app(), portal.caller()).await?)
}

/// Shows the accounts; to an operator also the one that the query names.
pub async fn show(portal: Portal) -> Answer {
    let app = portal.web.app();
    let user = portal.session.user();
    let current = user.place.as_ref().map(|place| place.account_id);
    let mine = accounts::mine(app, portal.caller()).await?;
    let is_mine = |id: AccountId| mine.iter().any(|one| one.account.id == id);
    let named = portal.query.get("account_id");
    let named: Option<AccountId> = named.and_then(|text| text.parse().ok());
    let mut choices = Vec::new();
    for id in [current, named].into_iter().flatten() {
        let is_listed = choices
            .iter()
            .any(|one: &Choice| one.account_id == id.to_string());
        if let Ok(access) = portal.caller().operator()
            && !is_mine(id)
            && !is_listed
        {
            let account = accounts::show(app, &access, id).await?;
            choices.push(entered(&account, current));
        }
    }
    choices.extend(mine.iter().map(|one| of(one, current)));
    if user.is_operator {
        choices.push(Choice {
            account_id: NONE.to_owned(),
            name: "No account".to_owned(),
            role: "Operator of the instance".to_owned(),
            is_current: current.is_none(),
            suspended: None,
            is_entered: false,
            button: "Leave",
        });
    }
    let page = SwitchPage {
        back: back(&portal),
        choices,
        frame: portal.shell(Section::Account, Band::Neither).await?,
    };
    Ok(Portal::page(page))
}

/// Goes on in the account that was chosen.
pub async fn switch(submission: Submission) -> Answer {
    let portal = &submission.portal;
    let account_id = match submission.fields.get("account_id").unwrap_or_default() {
        NONE => None,
        text => {
            let parsed = text.parse();
            Some(parsed.map_err(|_| Failure::field("account_id", "is no account's id"))?)
        }
    };
    let started = sessions::switch(portal.web.app(), portal.caller(), account_id).await?;
    let to = match account_id {
        Some(_) => format!("{}/", portal.web.issuer_path()),
        None => format!("{}/operator", portal.web.issuer_path()),
    };
    Ok(session::go_on(&portal.web, &started, &to))
}

fn of(mine: &Mine, current: Option<AccountId>) -> Choice {
    let role = match mine.member.role {
        claviger_model::roles::RoleRef::BuiltIn(role) => capital(role.as_str()),
        claviger_model::roles::RoleRef::Custom(_) => "Member".to_owned(),
    };
    Choice {
        account_id: mine.account.id.to_string(),
        name: mine.account.name.clone(),
        role,
        is_current: current == Some(mine.account.id),
        suspended: suspended(mine.account.status),
        is_entered: false,
        button: "Switch",
    }
}

fn entered(account: &Account, current: Option<AccountId>) -> Choice {
    Choice {
        account_id: account.id.to_string(),
        name: account.name.clone(),
        role: "As an operator".to_owned(),
        is_current: current == Some(account.id),
        suspended: suspended(account.status),
        is_entered: true,
        button: "Enter",
    }
}

fn suspended(status: AccountStatus) -> Option<Status> {
    match status {
        AccountStatus::Active => None,
        AccountStatus::Suspended { .. } => Some(Status::SUSPENDED),
    }
}
