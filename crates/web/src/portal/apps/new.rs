//! `/apps/new`: a new app, and the one moment at which its secret is shown.

use claviger_service::Caller;
use claviger_service::clients::{self, CreateInput, Created};

use super::{PATH, back, done, fields, labels, samples};
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

/// Creates the app, and shows its secret if it has one.
pub async fn create(submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = portal.allowed(Caller::client_writing).await?;
    let typed = &submission.fields;
    let input = CreateInput {
        draft: fields::draft(typed, true),
        audience: None,
        environment: portal.environment,
    };
    let key = submission.idempotency_key()?;
    match clients::create(portal.web.app(), &access, input, key.as_ref()).await {
        Ok(created) if !created.client.client.settings.takes_secrets() => {
            Ok(done(portal, created.client.client.id, "created"))
        }
        Ok(created) => Ok(submission.shown_once(secret_page(&submission, &created).await?)),
        Err(error) => {
            let page = page(portal, typed, typed.get(FORM_ID)).await?;
            again(portal, page, error)
        }
    }
}

async fn page(portal: &Portal, typed: &Fields, sent: Option<&str>) -> Result<FormPage, Failure> {
    let back = back(portal);
    let form = Form::new(portal, "Create app")
        .creating(portal, sent)?
        .cancel(&back.0, "Cancel");
    Ok(FormPage {
        frame: portal.shell(Section::Apps, Band::Neither).await?,
        title: "Create app".to_owned(),
        intro: "An app sends people here to ask whether it may act for them, and gets tokens for \
                those who agree."
            .to_owned(),
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
        frame: portal.shell(Section::Apps, Band::Neither).await?,
        title: "App created".to_owned(),
        shown: to_show.map(shown).unwrap_or_default(),
        about: client.settings.name.clone(),
        samples: to_show
            .map(|secret| samples::exchange(portal, &created.client, secret))
            .unwrap_or_default(),
        when_lost: "If it is lost, add another and revoke this one.".to_owned(),
        own_page: portal.href(format!("{PATH}/{}", client.id)),
        next: back(portal),
    })
}
