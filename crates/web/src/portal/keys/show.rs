//! `/keys/{id}`: one API key, and what can be changed of it.

use askama::Template;
use axum::response::{IntoResponse, Response};
use claviger_model::ids::KeyId;
use claviger_model::keys::{ApiKey, KeyState};
use claviger_service::access::KeyAccess;
use claviger_service::keys::{self, KeyWithSecrets};
use claviger_service::leaks::{self, LeakReport};
use claviger_service::{Caller, Error, usage, users};

use super::{PATH, back, fields, labels};
use crate::extract::Id;
use crate::pages::{Fields, Page, see_other};
use crate::portal::decisions::{self, list::DecisionRow};
use crate::portal::form::Form;
use crate::portal::parts::{Status, When, too_old};
use crate::portal::traffic::Traffic;
use crate::portal::{Answer, Band, Portal, Section, Shell, Submission};

/// How many decisions are shown on the page of a key.
const RECENT: u32 = 5;

/// A key.
#[derive(Template)]
#[template(path = "portal/key.html")]
struct KeyPage {
    frame: Shell,
    back: (String, String),
    id: KeyId,
    name: String,
    hint: String,
    status: Status,
    created: When,
    /// After how many days it should have been replaced, if it is so old.
    too_old: Option<u32>,
    owner: String,
    expires: Option<When>,
    revoked: Option<(When, String)>,
    /// When it was reported as leaked, and where it was found.
    leaked: Option<(When, String)>,
    is_saved: bool,
    /// Whether the form is filled in with less than the key holds.
    is_narrowed: bool,
    /// What can be changed; nothing of a key that was revoked.
    form: Option<Form>,
    /// What it may do, where that cannot be changed any more.
    scopes: Vec<String>,
    revoke: String,
    revoke_label: String,
    traffic: Traffic,
    /// The newest decisions about it.
    recent: Vec<DecisionRow>,
    decisions: String,
    activity: String,
}

/// Shows the key.
pub async fn show(mut portal: Portal, Id(id): Id<KeyId>) -> Answer {
    let access = portal.allowed(Caller::key_reading).await?;
    let found = keys::show(portal.web.app(), &access, id).await?;
    portal.environment = found.key.environment;
    let form = form(&portal, &portal.query, &found.key);
    page(&portal, &access, found, form).await
}

/// Saves what was changed.
pub async fn save(Id(id): Id<KeyId>, mut submission: Submission) -> Answer {
    let access = submission.portal.allowed(Caller::key_writing).await?;
    let app = submission.portal.web.app().clone();
    let found = keys::show(&app, &access, id).await?;
    submission.portal.environment = found.key.environment;
    let portal = &submission.portal;
    let version = submission.fields.get("version");
    let version = version.and_then(|version| version.parse().ok());
    let saved = match fields::draft(&submission.fields, Some(&found.key)) {
        Ok(draft) => keys::edit(&app, &access, id, draft, version).await,
        Err(problems) => Err(Error::from(problems)),
    };
    match saved {
        Ok(_) => Ok(see_other(&portal.href(format!("{PATH}/{id}?saved=1")))),
        Err(error) => {
            let form = form(portal, &submission.fields, &found.key);
            let form = form.map(|form| form.refused(portal, error)).transpose()?;
            page(portal, &access, found, form).await
        }
    }
}

fn form(portal: &Portal, typed: &Fields, key: &ApiKey) -> Option<Form> {
    if matches!(key.state, KeyState::Revoked { .. }) {
        return None;
    }
    let version = typed.text("version", &key.version.to_string());
    let form = Form::new(portal, &labels(portal).save)
        .field(crate::portal::form::Field::hidden("version", version));
    Some(fields::of_key(form, portal, typed, key))
}

async fn page(
    portal: &Portal,
    access: &KeyAccess,
    found: KeyWithSecrets,
    form: Option<Form>,
) -> Answer {
    let app = portal.web.app();
    let now = app.sources().now();
    let key = &found.key;
    let by = match &key.state {
        KeyState::Revoked { at, by } => Some((*at, by.clone())),
        _ => None,
    };
    let actors = by.iter().map(|(_, by)| by.as_str());
    let actors = actors.chain([key.created_by.as_str()]);
    let names = users::makers(app, key.account_id, actors).await?;
    let called = |actor: &str| users::told(&names, actor);
    let prefix = app.settings().prefixes.key(key.environment);
    let id = key.id.to_string();
    let scopes = usage::of_key(app, access, key.id).await?;
    let narrow = form.is_some().then(|| format!("{PATH}/{id}"));
    let leaked = leaks::last_report(app, access, key.id).await?;
    let page = KeyPage {
        back: back(portal),
        id: key.id,
        name: key.settings.name.clone(),
        hint: format!("{prefix}\u{2026}{}", found.hint()),
        status: Status::of_key(key.status(now), key.settings.expires_at, now),
        created: When::of(key.created_at, now),
        too_old: too_old(app, key.created_at).filter(|_| form.is_some()),
        owner: called(&key.created_by),
        expires: key.settings.expires_at.map(|end| When::of(end, now)),
        revoked: by.map(|(at, by)| (When::of(at, now), called(&by))),
        leaked: leaked.map(|report| (When::of(report.at, now), told(report))),
        is_saved: portal.query.has("saved"),
        is_narrowed: portal.query.has("narrowed"),
        traffic: Traffic::of(portal, access, &id, scopes, narrow).await?,
        scopes: key
            .settings
            .scopes
            .iter()
            .map(ToString::to_string)
            .collect(),
        revoke: portal.href(format!("{PATH}/{}/revoke", key.id)),
        revoke_label: labels(portal).revoke.clone(),
        recent: decisions::newest(portal, Some(&key.id.to_string()), RECENT).await?,
        decisions: portal.href(format!("/decisions?credential={}", key.id)),
        activity: portal.href(format!("/audit?target={}", key.id)),
        frame: portal.shell(Section::Keys, Band::At(PATH.into())).await?,
        form,
    };
    Ok(page.answer())
}

/// Who found it, and where.
fn told(report: LeakReport) -> String {
    let finder = if report.is_from_github {
        "GitHub\u{2019}s secret scanning"
    } else {
        "somebody who holds it"
    };
    match report.url {
        Some(url) => format!("{finder}, at {url}"),
        None => finder.to_owned(),
    }
}

impl KeyPage {
    fn answer(self) -> Response {
        let status = self.form.as_ref().map(|form| form.status);
        Page::new(self)
            .status(status.unwrap_or_default())
            .into_response()
    }

    fn has_problems(&self) -> bool {
        self.form.as_ref().is_some_and(Form::has_problems)
    }
}
