//! `/operator/accounts/{id}/end-tokens`: every access token of the account ends.

use claviger_model::ids::AccountId;
use claviger_service::{accounts, tokens};

use super::{PATH, own_page};
use crate::extract::Id;
use crate::pages::see_other;
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::Form;
use crate::portal::operator::access;
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Asks whether the tokens are to end.
pub async fn ask(portal: Portal, Id(id): Id<AccountId>) -> Answer {
    let account = accounts::show(portal.web.app(), &access(&portal)?, id).await?;
    let (own_page, _) = own_page(&portal, &account);
    let page = ConfirmPage {
        frame: portal.shell(Section::Accounts, Band::Neither).await?,
        title: format!("End all tokens of {}?", account.name),
        consequences: vec![
            "Every access token that was issued to the account's clients until now is refused \
             with 401, on every node. Programs that fetch a new one go on."
                .to_owned(),
            "Refresh tokens stay: apps get a new access token with them.".to_owned(),
            "API keys and client secrets stay as they are.".to_owned(),
        ],
        warning: None,
        form: Form::new(&portal, "End all tokens").cancel(own_page, "Keep them"),
    };
    Ok(page.answer())
}

/// Ends them.
pub async fn end(Id(id): Id<AccountId>, submission: Submission) -> Answer {
    let portal = &submission.portal;
    access(portal)?;
    let ending = portal.caller().token_ending(id)?;
    tokens::end_of_account(portal.web.app(), &ending).await?;
    Ok(see_other(&portal.at(format!("{PATH}/{id}?done=tokens"))))
}
