//! `/environments/reset`: the test environment, put back to its start.

use claviger_service::{Caller, sandbox};

use super::{PATH, clears, keeps};
use crate::error::Failure;
use crate::pages::see_other;
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::Form;
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Asks whether it is to be reset.
pub async fn ask(portal: Portal) -> Answer {
    portal.allowed(Caller::client_writing).await?;
    Ok(page(&portal).await?.answer())
}

/// Resets it.
pub async fn reset(submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = portal.allowed(Caller::client_writing).await?;
    match sandbox::reset(portal.web.app(), &access).await {
        Ok(_) => Ok(see_other(&portal.href(format!("{PATH}?done=reset")))),
        Err(error) => {
            let page = page(portal).await?;
            let form = page.form.refused(portal, error)?;
            Ok(ConfirmPage { form, ..page }.answer())
        }
    }
}

async fn page(portal: &Portal) -> Result<ConfirmPage, Failure> {
    let facts = sandbox::facts(portal.web.app(), portal.place()?).await?;
    let cleared = clears(facts.has_demo).into_iter();
    let cleared = cleared.map(|one| format!("Ends or is forgotten: {one}"));
    let kept = keeps().into_iter().map(|one| format!("Stays: {one}"));
    Ok(ConfirmPage {
        frame: portal.shell(Section::Environments, Band::Neither).await?,
        title: "Reset the sandbox?".to_owned(),
        consequences: cleared.chain(kept).collect(),
        warning: None,
        form: Form::new(portal, "Reset the sandbox").cancel(portal.href(PATH), "Keep it"),
    })
}
