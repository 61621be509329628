//! `/settings`: the account itself, and the tabs that lead to all other settings.

use askama::Template;
use axum::response::{IntoResponse, Response};
use claviger_model::accounts::{Account, AccountStatus};
use claviger_model::credentials::CredentialKind;
use claviger_model::ids::AccountId;
use claviger_model::roles::Permission;
use claviger_service::{Caller, accounts, apis};

use super::form::{Field, Form};
use super::parts::{Status, When};
use super::shell::{NavLink, may};
use super::{Answer, Band, Portal, Section, Shell, Submission};
use crate::pages::{Fields, Page, see_other};

/// The path of the account's own settings, without the issuer's.
const PATH: &str = "/settings";

/// The account.
#[derive(Template)]
#[template(path = "portal/settings.html")]
struct SettingsPage {
    frame: Shell,
    tabs: Vec<NavLink>,
    id: AccountId,
    name: String,
    status: Status,
    created: When,
    is_saved: bool,
    /// What can be changed, by somebody who may.
    form: Option<Form>,
    /// Who may, for somebody who may not.
    refusal: Option<String>,
}

/// The tabs of the settings that the signed-in person may open.
pub(super) fn tabs(portal: &Portal, current: Section) -> Vec<NavLink> {
    let labels = &portal.web.app().settings().portal.labels;
    let tab = |section: Section, path: &str, label: &str| NavLink {
        href: portal.href(path),
        label: label.to_owned(),
        is_current: section == current,
    };
    let mut tabs = vec![tab(Section::Settings, PATH, "Account")];
    if may(portal, Permission::Settings) {
        tabs.push(tab(Section::Credentials, "/credentials", &labels.api));
        if apis::offered_kinds(portal.web.app()).contains(&CredentialKind::ApiKey) {
            tabs.push(tab(Section::Keys, "/keys", &labels.api_keys));
        }
    }
    if may(portal, Permission::Team) {
        tabs.push(tab(Section::Team, "/team", "Team and roles"));
    }
    tabs.push(tab(Section::Environments, "/environments", "Environments"));
    if may(portal, Permission::Settings) {
        tabs.push(tab(Section::Webhooks, "/webhooks", "Webhooks"));
    }
    tabs
}

/// Shows the account.
pub async fn show(portal: Portal) -> Answer {
    let account = accounts::own(portal.web.app(), portal.place()?).await?;
    let (form, refusal) = match portal.allowed(Caller::account_managing).await {
        Ok(_) => (Some(form(&portal, &portal.query, &account)), None),
        Err(refusal) => (None, Some(refusal.message)),
    };
    page(&portal, account, (form, refusal)).await
}

/// Gives it another name.
pub async fn save(submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = portal.allowed(Caller::account_managing).await?;
    let app = portal.web.app();
    let name = submission.fields.get("name").unwrap_or_default();
    let version = submission.fields.get("version");
    let version = version.and_then(|version| version.parse().ok());
    match accounts::rename(app, &access, name, version).await {
        Ok(_) => Ok(see_other(&portal.href(format!("{PATH}?saved=1")))),
        Err(error) => {
            let account = accounts::own(app, portal.place()?).await?;
            let form = form(portal, &submission.fields, &account);
            let form = form.refused(portal, error)?;
            page(portal, account, (Some(form), None)).await
        }
    }
}

fn form(portal: &Portal, typed: &Fields, account: &Account) -> Form {
    let labels = &portal.web.app().settings().portal.labels;
    let version = typed.text("version", &account.version.to_string());
    let name = Field::line("name", "Name", typed.text("name", &account.name));
    Form::new(portal, &labels.save)
        .field(Field::hidden("version", version))
        .field(name.required().length_max(200))
}

async fn page(
    portal: &Portal,
    account: Account,
    (form, refusal): (Option<Form>, Option<String>),
) -> Answer {
    let now = portal.web.app().sources().now();
    let page = SettingsPage {
        frame: portal.shell(Section::Settings, Band::Neither).await?,
        tabs: tabs(portal, Section::Settings),
        id: account.id,
        name: account.name,
        status: match account.status {
            AccountStatus::Active => Status::ACTIVE,
            AccountStatus::Suspended { .. } => Status::SUSPENDED,
        },
        created: When::of(account.created_at, now),
        is_saved: portal.query.has("saved"),
        form,
        refusal,
    };
    Ok(page.answer())
}

impl SettingsPage {
    fn answer(self) -> Response {
        let status = self.form.as_ref().map(|form| form.status);
        Page::new(self)
            .status(status.unwrap_or_default())
            .into_response()
    }

    fn has_problems(&self) -> bool {
        self.form.as_ref().is_some_and(Form::has_problems)
    }
}
