//! `/clients/{id}/rotate`: a new secret, and an end for the older ones; stop them now, keep them
//! longer, or take it back.

use claviger_model::Problems;
use claviger_model::ids::{ClientId, SecretId};
use claviger_model::rotations::{GRACE_SECONDS_DEFAULT, RotationDraft, Verdict};
use claviger_model::time::DAY_MILLIS;
use claviger_service::Error;
use claviger_service::clients::{ClientWithSecrets, rotations};
use claviger_service::uses;

use super::rows::last_use;
use super::secrets::secret_page;
use super::{done, fields, found, labels, to_client};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::{Fields, dates, see_other};
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::{Choice, Field, Form, FormPage, again};
use crate::portal::once::FORM_ID;
use crate::portal::{Answer, Band, Portal, Section, Submission};

const HOUR_SECONDS: u32 = 3_600;
const DAY_SECONDS: u32 = 24 * HOUR_SECONDS;
/// How much longer older secrets are kept when nobody says, in days.
const LONGER_DAYS: i64 = 7;

/// Shows the form.
pub async fn show(mut portal: Portal, Id(id): Id<ClientId>) -> Answer {
    let (_, found) = found(&mut portal, id).await?;
    Ok(page(&portal, &portal.query, &found, None).await?.answer())
}

/// Starts a rotation and shows the new secret.
pub async fn start(Id(id): Id<ClientId>, mut submission: Submission) -> Answer {
    let (access, found) = found(&mut submission.portal, id).await?;
    let portal = &submission.portal;
    let typed = &submission.fields;
    let started = match draft(typed) {
        Ok(draft) => {
            let key = submission.idempotency_key()?;
            rotations::start(portal.web.app(), &access, id, &draft, key.as_ref()).await
        }
        Err(problems) => Err(Error::from(problems)),
    };
    match started {
        Ok(added) => {
            let title = format!("New {} created", labels(portal).client_secret);
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
    let back = to_client(portal, found);
    let word = typed.text("old_ends", "after_first_use");
    let choice =
        |value: &str, label: &str, hint: &str| Choice::new(value, label, value == word).hint(hint);
    let ends = vec![
        choice(
            "after_first_use",
            "So long after the new one\u{2019}s first use",
            "Nothing breaks however long it takes to put the new one in place.",
        ),
        choice("at", "At the end of a day", "Both work until then."),
        choice(
            "now",
            "Now",
            "For one that leaked: it gets no more tokens, and those that it got are refused.",
        ),
    ];
    let description = typed.text("description", "");
    let form = Form::new(portal, "Rotate")
        .creating(portal, sent)?
        .field(Field::radios("old_ends", "The older one ends", ends))
        .field(grace(typed))
        .field(
            Field::of_kind("date", "at", "Day", typed.text("at", ""))
                .hint("Where it ends at the end of a day, in UTC."),
        )
        .field(
            Field::line("description", "Description of the new one", description).length_max(200),
        )
        .cancel(&back.0, "Cancel");
    let now = portal.web.app().sources().now();
    let intro = match found.rotation_under_way(now) {
        Some(_) => {
            "A rotation is under way. Another one can begin now only if the older secrets end now."
        }
        None => "A new secret is added, and the older one ends when the new one is in place.",
    };
    Ok(FormPage {
        frame: portal.shell(Section::Clients, Band::Neither).await?,
        title: format!("Rotate {}", found.client.settings.name),
        intro: intro.to_owned(),
        form,
        back,
    })
}

fn grace(typed: &Fields) -> Field {
    let chosen = typed.text("grace_seconds", &GRACE_SECONDS_DEFAULT.to_string());
    let choices = [
        (0, "At once"),
        (HOUR_SECONDS, "1 hour"),
        (DAY_SECONDS, "1 day"),
        (7 * DAY_SECONDS, "7 days"),
        (30 * DAY_SECONDS, "30 days"),
    ];
    let choice = |(seconds, label): (u32, &str)| {
        let value = seconds.to_string();
        let is_chosen = value == chosen;
        Choice::new(value, label, is_chosen)
    };
    Field::pick(
        "grace_seconds",
        "After the first use",
        choices.map(choice).into(),
    )
    .hint("As long as it takes until every place has the new one.")
}

/// What was typed; only what goes with the chosen end counts.
fn draft(typed: &Fields) -> Result<RotationDraft, Problems> {
    let word = typed.get("old_ends").unwrap_or_default();
    let grace = typed
        .get("grace_seconds")
        .filter(|_| word == "after_first_use");
    let grace_seconds = grace.map(|text| {
        let read = text.parse();
        read.map_err(|_| Problems::of("grace_seconds", "must be a whole number of seconds"))
    });
    Ok(RotationDraft {
        description: typed.get("description").map(str::to_owned),
        old_ends: Some(word.to_owned()),
        grace_seconds: grace_seconds.transpose()?,
        at: match word {
            "at" => fields::last_day(typed, "at")?,
            _ => None,
        },
    })
}

/// Asks whether the older secrets are to end now.
pub async fn ask_stop(mut portal: Portal, Id(id): Id<ClientId>) -> Answer {
    let (_, found) = found(&mut portal, id).await?;
    if is_over(&portal, &found) {
        return Ok(see_other(&to_client(&portal, &found).0));
    }
    Ok(stop_page(&portal, &found).await?.answer())
}

/// Ends them.
pub async fn stop(Id(id): Id<ClientId>, mut submission: Submission) -> Answer {
    let (access, found) = found(&mut submission.portal, id).await?;
    let portal = &submission.portal;
    if is_over(portal, &found) {
        return Ok(see_other(&to_client(portal, &found).0));
    }
    let draft = RotationDraft {
        old_ends: Some("now".to_owned()),
        ..RotationDraft::default()
    };
    match rotations::change(portal.web.app(), &access, id, &draft).await {
        Ok(()) => Ok(done(portal, id, "stopped")),
        Err(error) => refused(portal, stop_page(portal, &found).await?, error),
    }
}

async fn stop_page(portal: &Portal, found: &ClientWithSecrets) -> Result<ConfirmPage, Failure> {
    let app = portal.web.app();
    let now = app.sources().now();
    let ids: Vec<SecretId> = found.secrets.iter().map(|secret| secret.id).collect();
    let uses = uses::of(app, &ids).await?;
    let verdicts = rotations::verdicts(app, found, &uses, now);
    let is_safe = |verdict: &Verdict| matches!(verdict, Verdict::SafeToRetire { .. });
    let old = found.rotation_under_way(now).into_iter();
    let old = old.flat_map(|rotation| rotation.old.iter().map(|old| old.id));
    let latest = old.filter_map(|id| uses.get(&id));
    let latest = latest.max_by_key(|uses| uses.last_used_at);
    let latest = latest.and_then(|uses| last_use(uses, now));
    let warning = (!verdicts.values().all(is_safe)).then(|| match latest {
        Some(last) => format!(
            "It is not safe yet: an older one was used {} from {}.",
            last.when.told, last.from
        ),
        None => "It is not safe yet: the new one was not used for long enough.".to_owned(),
    });
    Ok(ConfirmPage {
        frame: portal.shell(Section::Clients, Band::Neither).await?,
        title: "End the older secrets now?".to_owned(),
        consequences: vec![
            "They get no tokens any more, and every token that they got is refused from the next \
             request on, on every node."
                .to_owned(),
            "The new one goes on, and the rotation is over.".to_owned(),
        ],
        warning,
        form: Form::new(portal, "Stop now").cancel(to_client(portal, found).0, "Keep them"),
    })
}

/// Asks until when the older secrets are to be kept.
pub async fn ask_longer(mut portal: Portal, Id(id): Id<ClientId>) -> Answer {
    let (_, found) = found(&mut portal, id).await?;
    if is_over(&portal, &found) {
        return Ok(see_other(&to_client(&portal, &found).0));
    }
    let page = longer_page(&portal, &portal.query, &found).await?;
    Ok(page.answer())
}

/// Keeps them until then.
pub async fn longer(Id(id): Id<ClientId>, mut submission: Submission) -> Answer {
    let (access, found) = found(&mut submission.portal, id).await?;
    let portal = &submission.portal;
    let changed = match fields::last_day(&submission.fields, "at") {
        Ok(at) => {
            let draft = RotationDraft {
                old_ends: Some("at".to_owned()),
                at,
                ..RotationDraft::default()
            };
            rotations::change(portal.web.app(), &access, id, &draft).await
        }
        Err(problems) => Err(Error::from(problems)),
    };
    match changed {
        Ok(()) => Ok(done(portal, id, "longer")),
        Err(error) => {
            let page = longer_page(portal, &submission.fields, &found).await?;
            again(portal, page, error)
        }
    }
}

async fn longer_page(
    portal: &Portal,
    typed: &Fields,
    found: &ClientWithSecrets,
) -> Result<FormPage, Failure> {
    let now = portal.web.app().sources().now();
    let ends = found.secrets.iter().filter(|secret| secret.is_live(now));
    let latest = ends.filter_map(|secret| secret.expires_at).max();
    let suggested = latest.unwrap_or(now).max(now);
    let suggested = dates::machine_day(suggested.plus_millis(LONGER_DAYS * DAY_MILLIS));
    let back = to_client(portal, found);
    let form = Form::new(portal, "Keep longer")
        .field(
            Field::of_kind("date", "at", "Until", typed.text("at", &suggested))
                .required()
                .hint("The last day on which the older one gets tokens, in UTC."),
        )
        .cancel(&back.0, "Cancel");
    Ok(FormPage {
        frame: portal.shell(Section::Clients, Band::Neither).await?,
        title: "Keep the older secret longer".to_owned(),
        intro: "Both go on until then. It can be ended sooner at any time.".to_owned(),
        form,
        back,
    })
}

/// Asks whether the rotation is to be taken back.
pub async fn ask_cancel(mut portal: Portal, Id(id): Id<ClientId>) -> Answer {
    let (_, found) = found(&mut portal, id).await?;
    if is_over(&portal, &found) {
        return Ok(see_other(&to_client(&portal, &found).0));
    }
    Ok(cancel_page(&portal, &found).await?.answer())
}

/// Takes it back.
pub async fn cancel(Id(id): Id<ClientId>, mut submission: Submission) -> Answer {
    let (access, found) = found(&mut submission.portal, id).await?;
    let portal = &submission.portal;
    if is_over(portal, &found) {
        return Ok(see_other(&to_client(portal, &found).0));
    }
    match rotations::cancel(portal.web.app(), &access, id).await {
        Ok(()) => Ok(done(portal, id, "cancelled")),
        Err(error) => refused(portal, cancel_page(portal, &found).await?, error),
    }
}

async fn cancel_page(portal: &Portal, found: &ClientWithSecrets) -> Result<ConfirmPage, Failure> {
    let app = portal.web.app();
    let now = app.sources().now();
    let fresh = found.rotation_under_way(now);
    let ids: Vec<SecretId> = fresh.iter().map(|rotation| rotation.secret_id).collect();
    let uses = uses::of(app, &ids).await?;
    let last = uses.values().find_map(|uses| last_use(uses, now));
    Ok(ConfirmPage {
        frame: portal.shell(Section::Clients, Band::Neither).await?,
        title: "Cancel the rotation?".to_owned(),
        consequences: vec![
            "The new secret is revoked, and every token that it got is refused from the next \
             request on, on every node."
                .to_owned(),
            "The older ones go on as before.".to_owned(),
        ],
        warning: last.map(|last| {
            format!(
                "The new one is in use already: last {} from {}.",
                last.when.told, last.from
            )
        }),
        form: Form::new(portal, "Cancel the rotation")
            .cancel(to_client(portal, found).0, "Go on with it"),
    })
}

fn refused(portal: &Portal, page: ConfirmPage, error: Error) -> Answer {
    let form = page.form.refused(portal, error)?;
    Ok(ConfirmPage { form, ..page }.answer())
}

/// Whether there is nothing to change any more, as after a button that was pressed twice.
fn is_over(portal: &Portal, found: &ClientWithSecrets) -> bool {
    let now = portal.web.app().sources().now();
    found.rotation_under_way(now).is_none()
}
