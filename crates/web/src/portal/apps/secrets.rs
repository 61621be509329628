//! Further secrets of an app, and the end of single ones.

use claviger_model::clients::ClientSecret;
use claviger_model::ids::{ClientId, SecretId};
use claviger_service::Error;
use claviger_service::clients::{self, Added, ClientWithSecrets, SecretInput};

use super::{back, done, found, labels, samples, to_app};
use crate::error::Failure;
use crate::extract::{Id, Ids};
use crate::pages::{Fields, see_other};
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::{Field, Form, FormPage, again};
use crate::portal::once::{FORM_ID, SecretPage, ShownOnce};
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Shows the form of a further secret.
pub async fn show(mut portal: Portal, Id(id): Id<ClientId>) -> Answer {
    let (_, found) = found(&mut portal, id).await?;
    Ok(page(&portal, &portal.query, &found, None).await?.answer())
}

/// Adds the secret and shows it.
pub async fn add(Id(id): Id<ClientId>, mut submission: Submission) -> Answer {
    let (access, found) = found(&mut submission.portal, id).await?;
    let portal = &submission.portal;
    let typed = &submission.fields;
    let input = SecretInput {
        description: typed.get("description").map(str::to_owned),
        expires_at: None,
    };
    let key = submission.idempotency_key()?;
    match clients::add_secret(portal.web.app(), &access, id, &input, key.as_ref()).await {
        Ok(added) => secret_page(&submission, &found, &added).await,
        Err(error) => {
            let page = page(portal, typed, &found, typed.get(FORM_ID)).await?;
            again(portal, page, error)
        }
    }
}

async fn page(
    portal: &Portal,
    typed: &Fields,
    found: &ClientWithSecrets,
    sent: Option<&str>,
) -> Result<FormPage, Failure> {
    let labels = labels(portal);
    let back = to_app(portal, found);
    let description = Field::line("description", "Description", typed.text("description", ""));
    let form = Form::new(portal, &labels.add_secret)
        .creating(portal, sent)?
        .field(
            description
                .length_max(200)
                .hint("What tells it from the others, such as: new server, from May."),
        )
        .cancel(&back.0, "Cancel");
    Ok(FormPage {
        frame: portal.shell(Section::Apps, Band::Neither).await?,
        title: labels.add_secret.clone(),
        intro: "It works beside the others until each of them is revoked. It is shown once."
            .to_owned(),
        form,
        back,
    })
}

async fn secret_page(submission: &Submission, found: &ClientWithSecrets, added: &Added) -> Answer {
    let portal = &submission.portal;
    let labels = labels(portal);
    let to_show = submission.to_show(added.plaintext.as_ref());
    let shown = |secret: &str| {
        vec![
            ShownOnce::new(&labels.client_id, found.client.id.to_string()),
            ShownOnce::new(&labels.client_secret, secret),
        ]
    };
    let page = SecretPage {
        frame: portal.shell(Section::Apps, Band::Neither).await?,
        title: format!("{} created", labels.client_secret),
        shown: to_show.map(shown).unwrap_or_default(),
        about: found.client.settings.name.clone(),
        samples: to_show
            .map(|secret| samples::exchange(portal, found, secret))
            .unwrap_or_default(),
        when_lost: "If it is lost, add another and revoke this one.".to_owned(),
        own_page: to_app(portal, found).0,
        next: back(portal),
    };
    Ok(submission.shown_once(page))
}

/// Asks whether a secret is to be revoked.
pub async fn ask(mut portal: Portal, Ids(id, secret_id): Ids<ClientId, SecretId>) -> Answer {
    let (_, found) = found(&mut portal, id).await?;
    let now = portal.web.app().sources().now();
    if !named(&found, secret_id)?.is_live(now) {
        return Ok(see_other(&to_app(&portal, &found).0));
    }
    Ok(confirm(&portal, &found, secret_id).await?.answer())
}

/// Revokes it.
pub async fn revoke(
    Ids(id, secret_id): Ids<ClientId, SecretId>,
    mut submission: Submission,
) -> Answer {
    let (access, found) = found(&mut submission.portal, id).await?;
    let portal = &submission.portal;
    match clients::revoke_secret(portal.web.app(), &access, id, secret_id).await {
        Ok(()) => Ok(done(portal, id, "revoked")),
        Err(error) => {
            let page = confirm(portal, &found, secret_id).await?;
            let form = page.form.refused(portal, error)?;
            Ok(ConfirmPage { form, ..page }.answer())
        }
    }
}

fn named(found: &ClientWithSecrets, id: SecretId) -> Result<&ClientSecret, Failure> {
    let secret = found.secrets.iter().find(|secret| secret.id == id);
    secret.ok_or_else(|| Failure::from(Error::not_found("secret")))
}

async fn confirm(
    portal: &Portal,
    found: &ClientWithSecrets,
    id: SecretId,
) -> Result<ConfirmPage, Failure> {
    let now = portal.web.app().sources().now();
    let secret = named(found, id)?;
    let is_other = |other: &&ClientSecret| other.is_live(now) && other.id != id;
    let rest = match found.secrets.iter().filter(is_other).count() {
        0 => "It is the only one: until another is added, the app gets no tokens.".to_owned(),
        1 => "The other one goes on working.".to_owned(),
        others => format!("The {others} others go on working."),
    };
    let labels = labels(portal);
    Ok(ConfirmPage {
        frame: portal.shell(Section::Apps, Band::Neither).await?,
        title: format!(
            "{} {} \u{2026}{}?",
            labels.revoke, labels.client_secret, secret.stored.hint
        ),
        consequences: vec![
            "The app gets no token with it any more, and the tokens that it got with it are \
             refused from the next request on, on every node."
                .to_owned(),
            rest,
        ],
        warning: None,
        form: Form::new(portal, &labels.revoke).cancel(to_app(portal, found).0, "Keep it"),
    })
}
