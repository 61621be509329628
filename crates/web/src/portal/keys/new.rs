//! `/keys/new`: a new API key, and the one moment at which it is shown.

use claviger_model::Environment;
use claviger_model::keys::KeyDraft;
use claviger_service::keys::{self, IssueInput, Issued};
use claviger_service::{Caller, Error};

use super::{PATH, back, fields, labels};
use crate::error::Failure;
use crate::pages::Fields;
use crate::portal::form::{Form, FormPage, again};
use crate::portal::once::{FORM_ID, SecretPage, ShownOnce};
use crate::portal::parts::When;
use crate::portal::samples::bearer;
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Shows the form; a link can fill it in.
pub async fn show(portal: Portal) -> Answer {
    portal.allowed(Caller::key_writing).await?;
    Ok(page(&portal, &portal.query, None).await?.answer())
}

/// Creates the key and shows it.
pub async fn create(submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = portal.allowed(Caller::key_writing).await?;
    let created = match fields::draft(&submission.fields, None) {
        Ok(draft) => {
            let input = IssueInput {
                draft: KeyDraft {
                    expires_at: draft.expires_at.filter(Option::is_some),
                    ..draft
                },
                environment: portal.environment,
            };
            let key = submission.idempotency_key()?;
            keys::issue(portal.web.app(), &access, input, key.as_ref()).await
        }
        Err(problems) => Err(Error::from(problems)),
    };
    match created {
        Ok(issued) => Ok(submission.shown_once(secret_page(&submission, issued).await?)),
        Err(error) => {
            let form_id = submission.fields.get(FORM_ID);
            let page = page(portal, &submission.fields, form_id).await?;
            again(portal, page, error)
        }
    }
}

async fn page(portal: &Portal, typed: &Fields, sent: Option<&str>) -> Result<FormPage, Failure> {
    let labels = labels(portal);
    let form = Form::new(portal, &labels.save).creating(portal, sent)?;
    let back = back(portal);
    let form = form.cancel(&back.0, "Cancel");
    let title = match portal.environment {
        Environment::Live => &labels.create_api_key,
        Environment::Test => &labels.create_test_key,
    };
    Ok(FormPage {
        frame: portal.shell(Section::Keys, Band::Neither).await?,
        title: title.clone(),
        intro: "The key is shown once, when it is created. Give each program a key of its own."
            .to_owned(),
        form: fields::of_new(form, portal, typed),
        back,
    })
}

async fn secret_page(submission: &Submission, issued: Issued) -> Result<SecretPage, Failure> {
    let portal = &submission.portal;
    let key = &issued.key.key;
    let settings = &key.settings;
    let now = portal.web.app().sources().now();
    let ends = match settings.expires_at {
        Some(end) => format!("ends {}", When::of(end, now).exact),
        None => "never expires".to_owned(),
    };
    let scopes: Vec<&str> = settings
        .scopes
        .iter()
        .map(claviger_model::scopes::ScopeName::as_str)
        .collect();
    let to_show = submission.to_show(issued.plaintext.as_ref());
    let samples = to_show.map(|key| bearer(portal, key, &settings.scopes));
    let back = back(portal);
    Ok(SecretPage {
        frame: portal.shell(Section::Keys, Band::Neither).await?,
        title: "API key created".to_owned(),
        shown: to_show
            .map(|key| ShownOnce::new("key", key))
            .into_iter()
            .collect(),
        about: format!(
            "{} \u{b7} {} \u{b7} {ends}",
            settings.name,
            scopes.join(", ")
        ),
        samples: samples.unwrap_or_default(),
        when_lost: "If it is lost, create another and revoke this one.".to_owned(),
        own_page: portal.href(format!("{PATH}/{}", key.id)),
        next: back,
    })
}
