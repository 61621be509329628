//! `/clients/new`: a new machine client, and the one moment at which its first secret is shown.

use claviger_service::Caller;
use claviger_service::Error;
use claviger_service::clients::{self, CreateInput, Created};

use super::samples::token_request;
use super::{back, fields, labels, to_client};
use crate::error::Failure;
use crate::pages::Fields;
use crate::portal::form::{Form, FormPage, again};
use crate::portal::once::{FORM_ID, SecretPage, ShownOnce};
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Shows the form; a link can fill it in.
pub async fn show(portal: Portal) -> Answer {
    portal.allowed(Caller::client_writing).await?;
    Ok(page(&portal, &portal.query, None).await?.answer())
}

/// Creates the client and shows its secret.
pub async fn create(submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = portal.allowed(Caller::client_writing).await?;
    let created = match fields::draft(&submission.fields) {
        Ok(typed) => {
            let input = CreateInput {
                draft: typed.draft,
                audience: typed.audience.flatten(),
                environment: portal.environment,
            };
            let key = submission.idempotency_key()?;
            clients::create(portal.web.app(), &access, input, key.as_ref()).await
        }
        Err(problems) => Err(Error::from(problems)),
    };
    match created {
        Ok(created) => Ok(submission.shown_once(secret_page(&submission, &created).await?)),
        Err(error) => {
            let form_id = submission.fields.get(FORM_ID);
            let page = page(portal, &submission.fields, form_id).await?;
            again(portal, page, error)
        }
    }
}

async fn page(portal: &Portal, typed: &Fields, sent: Option<&str>) -> Result<FormPage, Failure> {
    let labels = labels(portal);
    let form = Form::new(portal, "Create").creating(portal, sent)?;
    let back = back(portal);
    let form = form.cancel(&back.0, "Cancel");
    Ok(FormPage {
        frame: portal.shell(Section::Clients, Band::Neither).await?,
        title: labels.create_client.clone(),
        intro: format!(
            "A {} and a {} that a program exchanges for access tokens. The {} can be looked up at \
             any time, the {} is shown once.",
            labels.client_id, labels.client_secret, labels.client_id, labels.client_secret
        ),
        form: fields::of_new(form, portal, typed),
        back,
    })
}

async fn secret_page(submission: &Submission, created: &Created) -> Result<SecretPage, Failure> {
    let portal = &submission.portal;
    let labels = labels(portal);
    let client = &created.client.client;
    let to_show = submission.to_show(created.plaintext.as_ref());
    let shown = |secret: &str| {
        vec![
            ShownOnce::new(&labels.client_id, client.id.to_string()),
            ShownOnce::new(&labels.client_secret, secret),
        ]
    };
    Ok(SecretPage {
        frame: portal.shell(Section::Clients, Band::Neither).await?,
        title: format!("{} created", client.settings.name),
        shown: to_show.map(shown).unwrap_or_default(),
        about: "The first one can be copied from its page at any time.".to_owned(),
        samples: to_show
            .map(|secret| token_request(portal, client, secret))
            .unwrap_or_default(),
        when_lost: format!(
            "If the {} is lost, add another and revoke this one.",
            labels.client_secret
        ),
        own_page: to_client(portal, &created.client).0,
        next: back(portal),
    })
}
