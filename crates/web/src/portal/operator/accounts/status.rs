//! `/operator/accounts/{id}/suspend` and `…/activate`: whether anything of an account works.

use claviger_model::accounts::{Account, AccountStatus};
use claviger_model::ids::AccountId;
use claviger_service::accounts::{self, AccountEdit};

use super::{PATH, own_page};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::see_other;
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::{Form, FormPage};
use crate::portal::operator::access;
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Asks whether the account is to be suspended.
pub async fn ask_suspend(portal: Portal, Id(id): Id<AccountId>) -> Answer {
    let account = accounts::show(portal.web.app(), &access(&portal)?, id).await?;
    Ok(suspending(&portal, &account).await?.answer())
}

/// Suspends it.
pub async fn suspend(Id(id): Id<AccountId>, submission: Submission) -> Answer {
    set(&submission.portal, id, "suspended").await
}

/// Asks whether the account is to work again.
pub async fn ask_activate(portal: Portal, Id(id): Id<AccountId>) -> Answer {
    let account = accounts::show(portal.web.app(), &access(&portal)?, id).await?;
    Ok(activating(&portal, &account).await?.answer())
}

/// Lets it work again.
pub async fn activate(Id(id): Id<AccountId>, submission: Submission) -> Answer {
    set(&submission.portal, id, "active").await
}

async fn set(portal: &Portal, id: AccountId, status: &str) -> Answer {
    let access = access(portal)?;
    let edit = AccountEdit {
        name: None,
        status: Some(status.to_owned()),
    };
    accounts::edit(portal.web.app(), &access, id, &edit, None).await?;
    Ok(see_other(&portal.at(format!("{PATH}/{id}?done={status}"))))
}

async fn suspending(portal: &Portal, account: &Account) -> Result<ConfirmPage, Failure> {
    let (own_page, _) = own_page(portal, account);
    let warning = match account.status {
        AccountStatus::Active => None,
        AccountStatus::Suspended { .. } => Some("The account is suspended already.".to_owned()),
    };
    Ok(ConfirmPage {
        frame: portal.shell(Section::Accounts, Band::Neither).await?,
        title: format!("Suspend {}?", account.name),
        consequences: vec![
            "Every request with a key, secret or token of the account is refused with 401, from \
             the moment this is done, on every node."
                .to_owned(),
            "Its members can do nothing in it.".to_owned(),
            "What its users allowed apps to do ends for good: they have to connect them again."
                .to_owned(),
            "Keys and clients stay as they are, and work again when you activate the account."
                .to_owned(),
        ],
        warning,
        form: Form::new(portal, "Suspend").cancel(own_page, "Keep it active"),
    })
}

async fn activating(portal: &Portal, account: &Account) -> Result<FormPage, Failure> {
    let back = own_page(portal, account);
    Ok(FormPage {
        frame: portal.shell(Section::Accounts, Band::Neither).await?,
        title: format!("Activate {}?", account.name),
        intro: "Its keys, clients and members work again as before. Apps have to be connected \
                again by those who use them."
            .to_owned(),
        form: Form::new(portal, "Activate").cancel(&back.0, "Keep it suspended"),
        back,
    })
}
