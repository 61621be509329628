//! `/webhooks/{id}/secret`: a new signing secret, shown once.

use claviger_model::ids::WebhookId;
use claviger_service::webhooks::{self, WebhookInfo};

use super::{Whose, found, to_webhook};
use crate::error::Failure;
use crate::extract::Id;
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::Form;
use crate::portal::once::{SecretPage, ShownOnce};
use crate::portal::{Answer, Band, Portal, Submission};

/// Asks whether it is to be replaced.
pub async fn ask(portal: Portal, Id(id): Id<WebhookId>) -> Answer {
    let (_, info) = found(&portal, id).await?;
    Ok(page(&portal, &info).await?.answer())
}

/// Replaces it and shows the new one.
pub async fn replace(Id(id): Id<WebhookId>, submission: Submission) -> Answer {
    let portal = &submission.portal;
    let (access, info) = found(portal, id).await?;
    let whose = Whose::of(&info);
    let (webhook, secret) = match webhooks::rotate_secret(portal.web.app(), &access, id).await {
        Ok(replaced) => replaced,
        Err(error) => {
            let page = page(portal, &info).await?;
            let form = page.form.refused(portal, error)?;
            return Ok(ConfirmPage { form, ..page }.answer());
        }
    };
    Ok(submission.shown_once(SecretPage {
        frame: portal.shell(whose.section(), Band::Neither).await?,
        title: "Signing secret replaced".to_owned(),
        shown: vec![ShownOnce::new("signing secret", secret.expose())],
        about: format!(
            "For a day every message to {} is signed with the one before too.",
            webhook.url
        ),
        samples: Vec::new(),
        when_lost: "If it is lost, replace it again.".to_owned(),
        own_page: to_webhook(portal, &info).0,
        next: whose.back(portal),
    }))
}

async fn page(portal: &Portal, info: &WebhookInfo) -> Result<ConfirmPage, Failure> {
    let section = Whose::of(info).section();
    Ok(ConfirmPage {
        frame: portal.shell(section, Band::Neither).await?,
        title: "Replace the signing secret?".to_owned(),
        consequences: vec![
            "A new one is made and shown once.".to_owned(),
            "For a day every message is signed with both, so that the receiver can change over; \
             then with the new one alone."
                .to_owned(),
            "One that was replaced within the last day ends now.".to_owned(),
        ],
        warning: None,
        form: Form::new(portal, "Replace").cancel(to_webhook(portal, info).0, "Keep it"),
    })
}
