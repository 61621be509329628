//! `/webhooks/{id}/delete`: the end of a webhook.

use claviger_model::ids::WebhookId;
use claviger_service::webhooks::{self, WebhookInfo};

use super::{Whose, found, to_webhook};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::see_other;
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::Form;
use crate::portal::{Answer, Band, Portal, Submission};

/// Asks whether it is to be deleted.
pub async fn ask(portal: Portal, Id(id): Id<WebhookId>) -> Answer {
    let (_, info) = found(&portal, id).await?;
    Ok(page(&portal, &info).await?.answer())
}

/// Deletes it.
pub async fn delete(Id(id): Id<WebhookId>, submission: Submission) -> Answer {
    let portal = &submission.portal;
    let (access, info) = found(portal, id).await?;
    match webhooks::delete(portal.web.app(), &access, id).await {
        Ok(()) => Ok(see_other(&Whose::of(&info).back(portal).0)),
        Err(error) => {
            let page = page(portal, &info).await?;
            let form = page.form.refused(portal, error)?;
            Ok(ConfirmPage { form, ..page }.answer())
        }
    }
}

async fn page(portal: &Portal, info: &WebhookInfo) -> Result<ConfirmPage, Failure> {
    let section = Whose::of(info).section();
    Ok(ConfirmPage {
        frame: portal.shell(section, Band::Neither).await?,
        title: "Delete this webhook?".to_owned(),
        consequences: vec![
            format!("{} is told nothing any more.", info.webhook.url),
            "What was not sent to it yet never is, and what was sent is not shown any more."
                .to_owned(),
        ],
        warning: None,
        form: Form::new(portal, "Delete").cancel(to_webhook(portal, info).0, "Keep it"),
    })
}
