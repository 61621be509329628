//! Further secrets of a client, and the end of single ones.

use claviger_model::ids::{ClientId, SecretId};
use claviger_service::Error;
use claviger_service::clients::{self, Added, ClientWithSecrets, SecretInput};
use claviger_service::uses;

use super::rows::last_use;
use super::samples::token_request;
use super::{done, fields, found, labels, named, to_client};
use crate::error::Failure;
use crate::extract::{Id, Ids};
use crate::pages::{Fields, see_other};
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::{Field, Form, FormPage, again};
use crate::portal::once::{FORM_ID, SecretPage, ShownOnce};
use crate::portal::parts::When;
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
    let added = match fields::last_day(typed, "expires_at") {
        Ok(expires_at) => {
            let input = SecretInput {
                description: typed.get("description").map(str::to_owned),
                expires_at,
            };
            let key = submission.idempotency_key()?;
            clients::add_secret(portal.web.app(), &access, id, &input, key.as_ref()).await
        }
        Err(problems) => Err(Error::from(problems)),
    };
    match added {
        Ok(added) => {
            let title = format!("{} created", labels(portal).client_secret);
            secret_page(&submission, &found, &added, title).await
        }
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
    let back = to_client(portal, found);
    let description = typed.text("description", "");
    let form = Form::new(portal, &labels.add_secret)
        .creating(portal, sent)?
        .field(
            Field::line("description", "Description", description)
                .length_max(200)
                .hint("What tells it from the others, such as: new server, from May."),
        )
        .field(
            Field::of_kind(
                "date",
                "expires_at",
                "Expires",
                typed.text("expires_at", ""),
            )
            .hint("The last day on which it gets tokens, in UTC. Without one it never expires."),
        )
        .cancel(&back.0, "Cancel");
    Ok(FormPage {
        frame: portal.shell(Section::Clients, Band::Neither).await?,
        title: labels.add_secret.clone(),
        intro: "It works beside the others, until each of them ends or is revoked. It is shown \
                once."
            .to_owned(),
        form,
        back,
    })
}

/// The page with a secret that a client just got.
pub(super) async fn secret_page(
    submission: &Submission,
    found: &ClientWithSecrets,
    added: &Added,
    title: String,
) -> Answer {
    let portal = &submission.portal;
    let labels = labels(portal);
    let client = &found.client;
    let now = portal.web.app().sources().now();
    let ends = match added.secret.expires_at {
        Some(end) => format!("ends {}", When::of(end, now).exact),
        None => "never expires".to_owned(),
    };
    let to_show = submission.to_show(added.plaintext.as_ref());
    let shown = |secret: &str| {
        vec![
            ShownOnce::new(&labels.client_id, client.id.to_string()),
            ShownOnce::new(&labels.client_secret, secret),
        ]
    };
    let page = SecretPage {
        frame: portal.shell(Section::Clients, Band::Neither).await?,
        title,
        shown: to_show.map(shown).unwrap_or_default(),
        about: format!("{} \u{b7} {ends}", client.settings.name),
        samples: to_show
            .map(|secret| token_request(portal, client, secret))
            .unwrap_or_default(),
        when_lost: "If it is lost, add another and revoke this one.".to_owned(),
        own_page: to_client(portal, found).0,
        next: super::back(portal),
    };
    Ok(submission.shown_once(page))
}

/// Asks whether a secret is to be revoked.
pub async fn ask(mut portal: Portal, Ids(id, secret_id): Ids<ClientId, SecretId>) -> Answer {
    let (_, found) = found(&mut portal, id).await?;
    let now = portal.web.app().sources().now();
    let secret = found.secrets.iter().find(|secret| secret.id == secret_id);
    if secret.is_some_and(|secret| !secret.is_live(now)) {
        return Ok(see_other(&to_client(&portal, &found).0));
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

async fn confirm(
    portal: &Portal,
    found: &ClientWithSecrets,
    secret_id: SecretId,
) -> Result<ConfirmPage, Failure> {
    let app = portal.web.app();
    let now = app.sources().now();
    let secret = found.secrets.iter().find(|secret| secret.id == secret_id);
    let secret = secret.ok_or_else(|| Failure::from(Error::not_found("secret")))?;
    let uses = uses::of(app, &[secret_id]).await?;
    let uses = uses.get(&secret_id).cloned().unwrap_or_default();
    let others = found.secrets.iter().filter(|other| other.is_live(now));
    let others = others.filter(|other| other.id != secret_id).count();
    let rest = match others {
        0 => "It is the only one: until another is added, the program gets no tokens.".to_owned(),
        1 => "The other one goes on working.".to_owned(),
        others => format!("The {others} others go on working."),
    };
    let revoke = &labels(portal).revoke;
    Ok(ConfirmPage {
        frame: portal.shell(Section::Clients, Band::Neither).await?,
        title: format!("{revoke} {}?", named(portal, secret)),
        consequences: vec![
            "It gets no token any more, and every token that it got is refused from the next \
             request on, on every node."
                .to_owned(),
            rest,
        ],
        warning: last_use(&uses, now).map(|last| {
            let times = match uses.used {
                1 => "once".to_owned(),
                times => format!("{times} times"),
            };
            format!(
                "It was used {times}, last {} from {}.",
                last.when.told, last.from
            )
        }),
        form: Form::new(portal, revoke).cancel(to_client(portal, found).0, "Keep it"),
    })
}
