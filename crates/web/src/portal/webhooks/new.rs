//! `/webhooks/new`: a new webhook, and the one moment at which its secret is shown.

use claviger_service::webhooks::{self, CreateInput, Created};

use super::{PATH, Whose, fields};
use crate::error::Failure;
use crate::pages::Fields;
use crate::portal::form::{Form, FormPage, again};
use crate::portal::once::{FORM_ID, SecretPage, ShownOnce};
use crate::portal::{Answer, Band, Portal, Submission};

/// Shows the form; a link can fill it in.
pub async fn show(portal: Portal) -> Answer {
    ask(&portal, Whose::Account).await
}

/// Shows the form for a webhook of the instance.
pub async fn show_for_instance(portal: Portal) -> Answer {
    ask(&portal, Whose::Instance).await
}

/// Creates the webhook and shows its secret.
pub async fn create(submission: Submission) -> Answer {
    make(&submission, Whose::Account).await
}

/// Creates a webhook of the instance and shows its secret.
pub async fn create_for_instance(submission: Submission) -> Answer {
    make(&submission, Whose::Instance).await
}

async fn ask(portal: &Portal, whose: Whose) -> Answer {
    whose.access(portal).await?;
    Ok(page(portal, whose, &portal.query, None).await?.answer())
}

async fn make(submission: &Submission, whose: Whose) -> Answer {
    let portal = &submission.portal;
    let access = whose.access(portal).await?;
    let (url, events) = fields::typed(&submission.fields);
    let input = CreateInput { url, events };
    let key = submission.idempotency_key()?;
    match webhooks::create(portal.web.app(), &access, input, key.as_ref()).await {
        Ok(created) => Ok(submission.shown_once(secret_page(submission, whose, &created).await?)),
        Err(error) => {
            let form_id = submission.fields.get(FORM_ID);
            let page = page(portal, whose, &submission.fields, form_id).await?;
            again(portal, page, error)
        }
    }
}

async fn page(
    portal: &Portal,
    whose: Whose,
    typed: &Fields,
    sent: Option<&str>,
) -> Result<FormPage, Failure> {
    let back = whose.back(portal);
    let form = Form::new(portal, "Create")
        .creating(portal, sent)?
        .cancel(&back.0, "Cancel");
    Ok(FormPage {
        frame: portal.shell(whose.section(), Band::Neither).await?,
        title: "Create webhook".to_owned(),
        intro: "Each event is sent as JSON, signed with a secret that is shown once. What is not \
                taken is sent again for nearly three days."
            .to_owned(),
        form: fields::with(form, typed, "", &[]),
        back,
    })
}

async fn secret_page(
    submission: &Submission,
    whose: Whose,
    created: &Created,
) -> Result<SecretPage, Failure> {
    let portal = &submission.portal;
    let to_show = submission.to_show(created.secret.as_ref());
    Ok(SecretPage {
        frame: portal.shell(whose.section(), Band::Neither).await?,
        title: "Webhook created".to_owned(),
        shown: to_show
            .map(|secret| vec![ShownOnce::new("signing secret", secret)])
            .unwrap_or_default(),
        about: format!(
            "The receiver at {} checks the signature of each message with it.",
            created.webhook.url
        ),
        samples: Vec::new(),
        when_lost: "If it is lost, replace it on the webhook's page.".to_owned(),
        own_page: portal.href(format!("{PATH}/{}", created.webhook.id)),
        next: whose.back(portal),
    })
}
