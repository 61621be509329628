//! `/audit`: who changed what, when and from where.

use std::collections::HashMap;

use askama::Template;
use axum::response::{IntoResponse, Response};
use claviger_model::UnixMillis;
use claviger_model::audit::{Action, ChainedEvent};
use claviger_model::ids::{ClientId, KeyId, RequestId, UserId};
use claviger_service::access::EvidenceAccess;
use claviger_service::audit::checkpoints;
use claviger_service::audit::{self, AuditFilter, ChainReport, EventView};
use claviger_service::decisions::{self, About};
use claviger_service::{App, Caller, users};
use http::StatusCode;

use super::PATH;
use super::difference::{Changed, difference};
use super::filter::{Filter, action, is_plain};
use crate::error::Failure;
use crate::pages::{Page, dates, see_other};
use crate::portal::links::{BAD_TIME, times};
use crate::portal::parts::{Pager, When};
use crate::portal::{Answer, Band, Portal, Section, Shell, Submission};

/// How many events a page has: each takes the room of several rows of other lists.
const ROWS: u32 = 10;

/// The list.
#[derive(Template)]
#[template(path = "portal/audit.html")]
struct AuditPage {
    frame: Shell,
    action: String,
    sought: String,
    from: String,
    to: String,
    wanted: &'static str,
    actions: Vec<&'static str>,
    is_filtered: bool,
    everything: String,
    export: String,
    problem: Option<(&'static str, String)>,
    rows: Vec<EventRow>,
    pager: Pager,
    newest: Option<Newest>,
    /// Whether the whole chain can be checked from here: by operators.
    may_check: bool,
    checked: Option<Checked>,
    checkpoint: Option<LastCheckpoint>,
    /// Where the public keys of checkpoints are.
    keys: String,
}

/// An event as a row shows it.
struct EventRow {
    when: When,
    who: String,
    by_them: String,
    action: String,
    of_action: String,
    target: String,
    about_it: String,
    /// The page of the thing.
    page: Option<String>,
    changes: Vec<Changed>,
    ip: String,
    request: Option<String>,
    proof: String,
}

/// The last checkpoint.
struct LastCheckpoint {
    seq: u64,
    when: When,
    key: String,
}

/// The newest event that can be seen, whose hash stands for it and all before.
struct Newest {
    seq: i64,
    hash: String,
    when: When,
}

/// What following the whole chain found.
enum Checked {
    Intact(i64, String),
    Broken(i64, String),
    Signed(u64),
}

/// Shows the list.
pub async fn show(portal: Portal) -> Answer {
    let filter = Filter::of(&portal.query);
    page(&portal, &filter, None, None).await
}

/// Searches, and leads to what was found; or, for operators, follows the whole chain.
pub async fn search(submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = portal.allowed(Caller::evidence).await?;
    let fields = &submission.fields;
    if fields.has("sign") {
        let operator = portal.allowed(Caller::operator).await?;
        let made = checkpoints::make(portal.web.app(), &operator).await?;
        let signed = Some(Checked::Signed(made.seq));
        return page(portal, &Filter::default(), None, signed).await;
    }
    if fields.has("check") {
        portal.allowed(Caller::operator).await?;
        let checked = match audit::check(portal.web.app()).await? {
            ChainReport::Intact { events, head, .. } => Checked::Intact(events, head),
            ChainReport::Broken { seq, why } => Checked::Broken(seq, why),
        };
        return page(portal, &Filter::default(), None, Some(checked)).await;
    }
    let mut filter = Filter {
        action: fields.get("action").and_then(action),
        ..Filter::default()
    };
    match times(fields) {
        Ok([from, to]) => (filter.from, filter.to) = (from, to),
        Err(field) => {
            let problem = (field, BAD_TIME.to_owned());
            return page(portal, &filter, Some(problem), None).await;
        }
    }
    if let Some(text) = fields.get("q") {
        match found(portal.web.app(), &access, text.trim()).await? {
            Ok(Found::Actor(actor)) => filter.actor = Some(actor),
            Ok(Found::Target(target)) => filter.target = Some(target),
            Err(told) => {
                return page(portal, &filter, Some(("q", told.to_owned())), None).await;
            }
        }
    }
    Ok(see_other(&filter.href(portal, "")))
}

/// Who or what a text names.
enum Found {
    Actor(String),
    Target(String),
}

/// What a text names, or why it names nothing.
async fn found(
    app: &App,
    access: &EvidenceAccess,
    text: &str,
) -> Result<Result<Found, &'static str>, Failure> {
    let unknown = "Nobody and nothing in the log is called so.";
    match decisions::about(app, access, text).await? {
        About::Credential(id) => return Ok(Ok(Found::Target(id))),
        About::UnknownSecret => {
            return Ok(Err(
                "This looks like a credential, and is none of this account.",
            ));
        }
        About::Request(_) | About::Address(_) => {
            let told = "Events are found by who did something, or by what it was done to.";
            return Ok(Err(told));
        }
        About::Several(_) | About::Nothing => {}
    }
    if text.contains('@') {
        let actor = audit::actor_of(app, access, text).await?;
        return Ok(actor.map(Found::Actor).ok_or(unknown));
    }
    let is_actor = text.parse::<UserId>().is_ok() || text.starts_with("cli:") || text == "system";
    let text = text.to_owned();
    Ok(if !is_plain(&text) {
        Err(unknown)
    } else if is_actor {
        Ok(Found::Actor(text))
    } else if text.contains('_') {
        Ok(Found::Target(text))
    } else {
        Err(unknown)
    })
}

async fn page(
    portal: &Portal,
    filter: &Filter,
    problem: Option<(&'static str, String)>,
    checked: Option<Checked>,
) -> Result<Response, Failure> {
    let access = portal.allowed(Caller::evidence).await?;
    let app = portal.web.app();
    let now = app.sources().now();
    let after = portal.query.get("after").and_then(|text| text.parse().ok());
    let found = audit::page(app, &access, &filter.wanted(), after, ROWS).await?;
    let newest = audit::page(app, &access, &AuditFilter::default(), None, 1).await?;
    let last = checkpoints::last(app, &access).await?;
    let actors = found.events.iter().map(|one| one.event.actor.as_str());
    let names = users::actor_names(app, actors).await?;
    let here = filter.href(portal, "");
    let status = match problem {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let page = AuditPage {
        action: portal.own_path(),
        sought: filter
            .actor
            .clone()
            .or_else(|| filter.target.clone())
            .unwrap_or_default(),
        from: filter.from.map(dates::machine_minute).unwrap_or_default(),
        to: filter.to.map(dates::machine_minute).unwrap_or_default(),
        wanted: filter.action.unwrap_or_default(),
        actions: Action::ALL.iter().map(|action| action.as_str()).collect(),
        is_filtered: filter.is_narrow(),
        everything: portal.href(PATH),
        export: filter.href(portal, "/export"),
        problem,
        rows: found
            .events
            .iter()
            .map(|event| row(portal, event, &names, now))
            .collect(),
        pager: Pager {
            first: after.map(|_| here.clone()),
            next: found.next.map(|seq| {
                let mark = if here.contains('?') { '&' } else { '?' };
                format!("{here}{mark}after={seq}")
            }),
        },
        newest: newest.events.first().map(|event| Newest {
            seq: event.seq,
            hash: EventView::new(event).hash(),
            when: When::of(event.event.at, now),
        }),
        may_check: portal.caller().operator().is_ok(),
        checked,
        checkpoint: last.map(|last| LastCheckpoint {
            seq: last.seq,
            when: When::of(UnixMillis(last.at), now),
            key: last.key_fingerprint,
        }),
        keys: format!(
            "{}/.well-known/claviger-audit-keys.json",
            portal.web.issuer_path()
        ),
        frame: portal.shell(Section::Audit, Band::Neither).await?,
    };
    Ok(Page::new(page).status(status).into_response())
}

fn row(
    portal: &Portal,
    chained: &ChainedEvent,
    names: &HashMap<String, String>,
    now: UnixMillis,
) -> EventRow {
    let event = &chained.event;
    let by = |filter: Filter| filter.href(portal, "");
    let by_them = by(Filter {
        actor: Some(event.actor.clone()),
        ..Filter::default()
    });
    let about_it = by(Filter {
        target: Some(event.target.clone()),
        ..Filter::default()
    });
    let of_action = by(Filter {
        action: action(&event.action),
        ..Filter::default()
    });
    let request = event
        .request_id
        .as_ref()
        .filter(|id| id.parse::<RequestId>().is_ok());
    EventRow {
        when: When::of(event.at, now),
        who: names.get(&event.actor).unwrap_or(&event.actor).clone(),
        by_them,
        action: event.action.clone(),
        of_action,
        target: event.target.clone(),
        about_it,
        page: own_page(portal, chained),
        changes: difference(event.before.as_ref(), event.after.as_ref()),
        ip: event.ip.clone().unwrap_or_default(),
        request: request.cloned(),
        proof: portal.href(format!("{PATH}/{}/proof", event.id)),
    }
}

/// The page of the thing that an event is about, where it has one.
fn own_page(portal: &Portal, chained: &ChainedEvent) -> Option<String> {
    let event = &chained.event;
    portal.caller().key_reading().ok()?;
    if event.target.parse::<KeyId>().is_ok() {
        return Some(portal.href(format!("/keys/{}", event.target)));
    }
    event.target.parse::<ClientId>().ok()?;
    let told = event.after.as_ref().or(event.before.as_ref())?;
    let noun = match told.get("kind")?.as_str()? {
        "app" => "apps",
        _ => "clients",
    };
    Some(portal.href(format!("/{noun}/{}", event.target)))
}
