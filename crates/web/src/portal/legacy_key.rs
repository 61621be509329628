//! `/legacy-key`: the one key of an account that reaches everything; deprecated.

use std::collections::BTreeMap;

use askama::Template;
use axum::response::{IntoResponse, Response};
use claviger_model::legacy_keys::LegacyKey;
use claviger_model::{Reason, UnixMillis};
use claviger_service::decisions::{self, DecisionFilter};
use claviger_service::legacy_keys::{self, Generated};
use claviger_service::settings::Labels;
use claviger_service::{Caller, Error, users};

use super::confirm::ConfirmPage;
use super::form::Form;
use super::once::{FORM_ID, SecretPage, ShownOnce};
use super::parts::{Status, When};
use super::samples::bearer;
use super::{Answer, Band, Portal, Section, Shell, Submission};
use crate::error::Failure;
use crate::pages::{Page, dates, see_other};

const PATH: &str = "/legacy-key";
/// How many decisions are looked at for who still uses it.
const LOOKED_AT: u32 = 200;
/// How many addresses are shown.
const ADDRESSES_MAX: usize = 20;

/// The page.
#[derive(Template)]
#[template(path = "portal/legacy_key.html")]
struct LegacyKeyPage {
    frame: Shell,
    back: (String, String),
    title: String,
    generate: String,
    revert: String,
    revert_href: String,
    /// Since when legacy keys are deprecated, such as 1 January 2025.
    deprecated_since: String,
    /// What to use instead.
    instead: Vec<(String, String)>,
    is_reverted: bool,
    key: Option<Shown>,
    /// What generates one; none while there is one.
    form: Option<Form>,
    status: http::StatusCode,
}

/// The key as the page shows it.
struct Shown {
    hint: String,
    status: Status,
    created: When,
    owner: String,
    users: Vec<User>,
    decisions: String,
}

/// Where requests with the key came from.
struct User {
    ip: String,
    count: usize,
    last: When,
    path: String,
}

/// Shows the page.
pub async fn show(portal: Portal) -> Answer {
    let form = Form::new(&portal, &labels(&portal).generate).creating(&portal, None)?;
    page(&portal, form).await
}

/// Generates the key and shows it.
pub async fn generate(submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = portal.allowed(Caller::key_writing).await?;
    let key = submission.idempotency_key()?;
    match legacy_keys::generate(portal.web.app(), &access, key.as_ref()).await {
        Ok(generated) => Ok(submission.shown_once(secret_page(&submission, &generated).await?)),
        Err(error) => {
            let sent = submission.fields.get(FORM_ID);
            let form = Form::new(portal, &labels(portal).generate).creating(portal, sent)?;
            page(portal, form.refused(portal, error)?).await
        }
    }
}

/// Asks whether the key is to be reverted.
pub async fn ask(portal: Portal) -> Answer {
    portal.allowed(Caller::key_writing).await?;
    Ok(confirm(&portal).await?.answer())
}

/// Reverts it.
pub async fn revert(submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = portal.allowed(Caller::key_writing).await?;
    match legacy_keys::revert(portal.web.app(), &access).await {
        Ok(()) => Ok(see_other(&portal.href(format!("{PATH}?done=reverted")))),
        Err(error) => {
            let page = confirm(portal).await?;
            let form = page.form.refused(portal, error)?;
            Ok(ConfirmPage { form, ..page }.answer())
        }
    }
}

fn labels(portal: &Portal) -> &Labels {
    &portal.web.app().settings().portal.labels
}

async fn page(portal: &Portal, form: Form) -> Answer {
    let access = portal.allowed(Caller::key_reading).await?;
    let app = portal.web.app();
    let found = match legacy_keys::show(app, &access).await {
        Ok(key) => Some(key),
        Err(error) if is_absent(&error) => None,
        Err(error) => return Err(error.into()),
    };
    let key = match &found {
        Some(key) => Some(shown(portal, key).await?),
        None => None,
    };
    let labels = labels(portal);
    let is_offered = app.settings().legacy_keys;
    let status = form.status;
    let page = LegacyKeyPage {
        back: (portal.href("/credentials"), labels.api.clone()),
        title: labels.legacy_key.clone(),
        generate: labels.generate.clone(),
        revert: labels.revert.clone(),
        revert_href: portal.href(format!("{PATH}/revert")),
        deprecated_since: dates::day(app.settings().legacy_deprecated_since),
        instead: vec![(portal.href("/clients"), labels.clients.clone())],
        is_reverted: portal.query.get("done") == Some("reverted") && key.is_none(),
        form: (is_offered && key.is_none()).then_some(form),
        key,
        status,
        frame: portal.shell(Section::Credentials, Band::Neither).await?,
    };
    Ok(page.answer())
}

async fn shown(portal: &Portal, key: &LegacyKey) -> Result<Shown, Failure> {
    let app = portal.web.app();
    let now = app.sources().now();
    let names = users::actor_names(app, [key.created_by.as_str()]).await?;
    let owner = names
        .get(&key.created_by)
        .unwrap_or(&key.created_by)
        .clone();
    let prefix = &app.settings().prefixes.legacy_key;
    Ok(Shown {
        hint: format!("{prefix}\u{2026}{}", key.stored.hint),
        status: Status::ACTIVE,
        created: When::of(key.created_at, now),
        owner,
        users: users_of(portal, key, now).await?,
        decisions: portal.href(format!("/decisions?credential={}", key.id)),
    })
}

/// Where the requests with the key came from that are kept, the latest first; nothing for somebody
/// who may not see evidence.
async fn users_of(portal: &Portal, key: &LegacyKey, now: UnixMillis) -> Result<Vec<User>, Failure> {
    let Ok(access) = portal.caller().evidence() else {
        return Ok(Vec::new());
    };
    let filter = DecisionFilter {
        credential_id: Some(key.id.to_string()),
        ..DecisionFilter::default()
    };
    let page = decisions::page(portal.web.app(), &access, &filter, None, LOOKED_AT).await?;
    // The newest come first, so the first one of an address is its last.
    let mut by_address: BTreeMap<String, (usize, i64, String)> = BTreeMap::new();
    for decision in &page.decisions {
        let text = |member: &str| decision[member].as_str().unwrap_or_default();
        let at = decision["at"].as_i64().unwrap_or_default();
        let path = format!("{} {}", text("method"), text("path"));
        let one = by_address.entry(text("ip").to_owned());
        one.or_insert((0, at, path)).0 += 1;
    }
    let mut found: Vec<_> = by_address.into_iter().collect();
    found.sort_by_key(|(_, (_, at, _))| std::cmp::Reverse(*at));
    let user = |(ip, (count, at, path)): (String, (usize, i64, String))| User {
        ip: if ip.is_empty() {
            "unknown".to_owned()
        } else {
            ip
        },
        count,
        last: When::of(UnixMillis(at), now),
        path,
    };
    Ok(found.into_iter().take(ADDRESSES_MAX).map(user).collect())
}

async fn secret_page(
    submission: &Submission,
    generated: &Generated,
) -> Result<SecretPage, Failure> {
    let portal = &submission.portal;
    let labels = labels(portal);
    let to_show = submission.to_show(generated.plaintext.as_ref());
    let shown = to_show.map(|key| ShownOnce::new(&labels.legacy_key, key));
    Ok(SecretPage {
        frame: portal.shell(Section::Credentials, Band::Neither).await?,
        title: format!("{} generated", labels.legacy_key),
        shown: shown.into_iter().collect(),
        about: "It never expires and reaches every endpoint that takes its kind.".to_owned(),
        samples: to_show
            .map(|key| bearer(portal, key, &[]))
            .unwrap_or_default(),
        when_lost: format!("If it is lost, {} it and generate another.", labels.revert),
        own_page: portal.href(PATH),
        next: (portal.href("/credentials"), labels.api.clone()),
    })
}

async fn confirm(portal: &Portal) -> Result<ConfirmPage, Failure> {
    let access = portal.allowed(Caller::key_reading).await?;
    let app = portal.web.app();
    let key = legacy_keys::show(app, &access).await?;
    let now = app.sources().now();
    let latest = users_of(portal, &key, now).await?.into_iter().next();
    let labels = labels(portal);
    Ok(ConfirmPage {
        frame: portal.shell(Section::Credentials, Band::Neither).await?,
        title: format!(
            "{} the key that ends in {}?",
            labels.revert, key.stored.hint
        ),
        consequences: vec![
            "Every request with it is refused with 401, from the moment this page answers, on \
             every node."
                .to_owned(),
            format!("{} makes another one afterwards.", labels.generate),
        ],
        warning: latest
            .map(|user| format!("It is in use: last {} from {}.", user.last.told, user.ip)),
        form: Form::new(portal, &labels.revert).cancel(portal.href(PATH), "Keep it"),
    })
}

impl LegacyKeyPage {
    fn answer(self) -> Response {
        let status = self.status;
        Page::new(self).status(status).into_response()
    }
}

/// Whether an error says that there is no such thing.
fn is_absent(error: &Error) -> bool {
    let absent = Reason::NotFound;
    matches!(error, Error::Refused { reason, .. } if *reason == absent)
}
