//! `/webhooks/{id}/edit`: where it leads, what it is told, whether it is told anything.

use claviger_model::ids::WebhookId;
use claviger_service::webhooks::{self, EditInput, WebhookInfo};

use super::{Whose, done, fields, found, to_webhook};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::Fields;
use crate::portal::form::{Choice, Field, Form, FormPage, again};
use crate::portal::{Answer, Band, Portal, Submission};

/// Shows the form.
pub async fn show(portal: Portal, Id(id): Id<WebhookId>) -> Answer {
    let (_, info) = found(&portal, id).await?;
    Ok(page(&portal, &portal.query, &info).await?.answer())
}

/// Saves what was changed.
pub async fn save(Id(id): Id<WebhookId>, submission: Submission) -> Answer {
    let portal = &submission.portal;
    let (access, info) = found(portal, id).await?;
    let (url, events) = fields::typed(&submission.fields);
    let version = submission.fields.get("version");
    let input = EditInput {
        url: Some(url),
        events: Some(events),
        active: Some(submission.fields.get("active") != Some("no")),
        expected_version: version.and_then(|version| version.parse().ok()),
    };
    match webhooks::edit(portal.web.app(), &access, id, input).await {
        Ok(_) => Ok(done(portal, id, "saved")),
        Err(error) => {
            let page = page(portal, &submission.fields, &info).await?;
            again(portal, page, error)
        }
    }
}

async fn page(portal: &Portal, typed: &Fields, info: &WebhookInfo) -> Result<FormPage, Failure> {
    let webhook = &info.webhook;
    let back = to_webhook(portal, info);
    let version = typed.text("version", &webhook.version.to_string());
    let is_on = webhook.is_active();
    let active = typed.text("active", if is_on { "yes" } else { "no" });
    let choices = vec![
        Choice::new("yes", "Yes", active != "no"),
        Choice::new("no", "No", active == "no")
            .hint("Nothing is sent, and what happens meanwhile is not told later."),
    ];
    let form = Form::new(portal, &portal.web.app().settings().portal.labels.save)
        .field(Field::hidden("version", version))
        .cancel(&back.0, "Cancel");
    let form = fields::with(form, typed, &webhook.url, &webhook.events);
    Ok(FormPage {
        frame: portal
            .shell(Whose::of(info).section(), Band::Neither)
            .await?,
        title: "Edit webhook".to_owned(),
        intro: "It holds for what is sent from now on.".to_owned(),
        form: form.field(Field::radios("active", "Active", choices)),
        back,
    })
}
