//! `/operator/accounts/new` and `/operator/accounts/{id}/rename`: an account gets its name.

use claviger_model::accounts::Account;
use claviger_model::ids::AccountId;
use claviger_service::accounts::{self, AccountEdit};

use super::{PATH, back, href, own_page};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::{Fields, see_other};
use crate::portal::form::{Field, Form, FormPage, again};
use crate::portal::once::FORM_ID;
use crate::portal::operator::access;
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Shows the form of a new account.
pub async fn ask(portal: Portal) -> Answer {
    access(&portal)?;
    Ok(page_of_new(&portal, &portal.query, None).await?.answer())
}

/// Makes the account.
pub async fn create(submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = access(portal)?;
    let name = submission.fields.get("name").unwrap_or_default();
    let key = submission.idempotency_key()?;
    match accounts::create(portal.web.app(), &access, name, key.as_ref()).await {
        Ok(account) => Ok(see_other(&href(portal, account.id))),
        Err(error) => {
            let sent = submission.fields.get(FORM_ID);
            let page = page_of_new(portal, &submission.fields, sent).await?;
            again(portal, page, error)
        }
    }
}

/// Shows the form with the name of an account.
pub async fn ask_rename(portal: Portal, Id(id): Id<AccountId>) -> Answer {
    let access = access(&portal)?;
    let account = accounts::show(portal.web.app(), &access, id).await?;
    Ok(page_of(&portal, &portal.query, &account).await?.answer())
}

/// Renames it.
pub async fn rename(Id(id): Id<AccountId>, submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = access(portal)?;
    let app = portal.web.app();
    let account = accounts::show(app, &access, id).await?;
    let edit = AccountEdit {
        name: Some(submission.fields.get("name").unwrap_or_default().to_owned()),
        status: None,
    };
    match accounts::edit(app, &access, id, &edit, None).await {
        Ok(_) => Ok(see_other(&portal.at(format!("{PATH}/{id}?done=renamed")))),
        Err(error) => {
            let page = page_of(portal, &submission.fields, &account).await?;
            again(portal, page, error)
        }
    }
}

async fn page_of_new(
    portal: &Portal,
    typed: &Fields,
    sent: Option<&str>,
) -> Result<FormPage, Failure> {
    let back = back(portal);
    let form = Form::new(portal, "Create account").creating(portal, sent)?;
    Ok(FormPage {
        frame: portal.shell(Section::Accounts, Band::Neither).await?,
        title: "Create account".to_owned(),
        intro: "Nobody is a member of it at first: add its owner next.".to_owned(),
        form: form.field(name_field(typed, "")).cancel(&back.0, "Cancel"),
        back,
    })
}

async fn page_of(portal: &Portal, typed: &Fields, account: &Account) -> Result<FormPage, Failure> {
    let back = own_page(portal, account);
    let save = &portal.web.app().settings().portal.labels.save;
    Ok(FormPage {
        frame: portal.shell(Section::Accounts, Band::Neither).await?,
        title: format!("Rename {}", account.name),
        intro: "Its members see the name in the portal.".to_owned(),
        form: Form::new(portal, save)
            .field(name_field(typed, &account.name))
            .cancel(&back.0, "Cancel"),
        back,
    })
}

fn name_field(typed: &Fields, before: &str) -> Field {
    Field::line("name", "Name", typed.text("name", before))
        .required()
        .length_max(200)
}
