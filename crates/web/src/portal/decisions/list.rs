//! `/decisions`: what was decided of late, and the search in it.
//!
//! What one searches for may be a credential itself, so it is posted and never part of an address;
//! what it turned out to be is: the answer leads to a list whose filters are in its address.

use std::net::IpAddr;

use askama::Template;
use axum::response::IntoResponse;
use claviger_model::UnixMillis;
use claviger_model::ids::RequestId;
use claviger_service::Caller;
use claviger_service::decisions::{self, About, DecisionFilter, Trace};
use http::StatusCode;

use super::{PATH, kind, outcome};
use crate::api::TimeCursor;
use crate::error::Failure;
use crate::pages::{Fields, Page, dates, see_other};
use crate::portal::links::{BAD_TIME, times, with_query};
use crate::portal::parts::{Pager, Status, When};
use crate::portal::{Answer, Band, Portal, ROWS, Section, Shell, Submission};

/// The list.
#[derive(Template)]
#[template(path = "portal/decisions.html")]
struct DecisionsPage {
    frame: Shell,
    action: String,
    outcomes: Vec<Outcome>,
    /// What is searched for, as far as it may be shown.
    sought: String,
    from: String,
    to: String,
    /// The word of the outcome that is looked at, for the form.
    wanted: &'static str,
    is_filtered: bool,
    everything: String,
    problem: Option<Problem>,
    several: Vec<(String, String, String)>,
    kept_days: u32,
    rows: Vec<DecisionRow>,
    pager: Pager,
}

/// Decisions of one outcome, as a link.
struct Outcome {
    href: String,
    label: &'static str,
    is_current: bool,
}

/// What is wrong with the search, and the field that it is about.
struct Problem {
    field: &'static str,
    sentence: String,
}

/// A decision as a row shows it.
pub(in crate::portal) struct DecisionRow {
    pub href: String,
    pub request: String,
    pub when: When,
    pub outcome: Status,
    pub reason: String,
    pub credential: Option<(String, String, String)>,
    pub environment: &'static str,
    pub ip: String,
}

/// What of the list is looked at, as its address has it.
#[derive(Clone, Default)]
struct Filter {
    credential: Option<String>,
    address: Option<IpAddr>,
    allowed: Option<bool>,
    from: Option<UnixMillis>,
    to: Option<UnixMillis>,
}

/// Shows the list.
pub async fn show(portal: Portal) -> Answer {
    let filter = Filter::of(&portal.query);
    Ok(page(&portal, &filter, None, Vec::new())
        .await?
        .into_response())
}

/// Searches, and leads to what was found.
pub async fn search(submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = portal.allowed(Caller::evidence).await?;
    let fields = &submission.fields;
    let mut filter = Filter {
        allowed: allowed(fields),
        ..Filter::default()
    };
    match times(fields) {
        Ok([from, to]) => (filter.from, filter.to) = (from, to),
        Err(field) => {
            let sentence = BAD_TIME.to_owned();
            return refused(portal, &filter, Problem { field, sentence }).await;
        }
    }
    let Some(text) = fields.get("q") else {
        return Ok(see_other(&filter.href(portal)));
    };
    let told = match decisions::about(portal.web.app(), &access, text).await? {
        About::Request(id) => return Ok(see_other(&portal.href(format!("{PATH}/{id}")))),
        About::Address(address) => {
            filter.address = Some(address);
            return Ok(see_other(&filter.href(portal)));
        }
        About::Credential(id) => {
            filter.credential = Some(id);
            return Ok(see_other(&filter.href(portal)));
        }
        About::Several(found) => {
            let named = |(id, name): (String, String)| {
                let filter = Filter {
                    credential: Some(id.clone()),
                    ..filter.clone()
                };
                (filter.href(portal), name, id)
            };
            let several = found.into_iter().map(named).collect();
            return Ok(page(portal, &filter, None, several).await?.into_response());
        }
        About::UnknownSecret => {
            "This looks like a credential, and is none of this account. Nothing of it was kept."
        }
        About::Nothing => {
            "Nothing of late is called so. Paste a Request-Id, an address, or a credential: its \
             name, its id or all of it."
        }
    };
    let problem = Problem {
        field: "q",
        sentence: told.to_owned(),
    };
    refused(portal, &filter, problem).await
}

async fn refused(portal: &Portal, filter: &Filter, problem: Problem) -> Answer {
    let page = page(portal, filter, Some(problem), Vec::new()).await?;
    Ok(page
        .status(StatusCode::UNPROCESSABLE_ENTITY)
        .into_response())
}

async fn page(
    portal: &Portal,
    filter: &Filter,
    problem: Option<Problem>,
    several: Vec<(String, String, String)>,
) -> Result<Page<DecisionsPage>, Failure> {
    let access = portal.allowed(Caller::evidence).await?;
    let app = portal.web.app();
    let now = app.sources().now();
    let after: Option<TimeCursor<RequestId>> =
        portal.query.get("after").and_then(|text| text.parse().ok());
    let is_first = after.is_none();
    let after = after.map(|TimeCursor(at, id)| (at, id));
    let found = decisions::page(app, &access, &filter.wanted(), after, ROWS).await?;
    let traces = found.decisions.into_iter().map(Trace::read);
    let traces: Vec<Trace> = traces.collect::<Result<_, _>>()?;
    let here = filter.href(portal);
    let sought = match (&filter.credential, filter.address) {
        (Some(id), _) => id.clone(),
        (None, Some(address)) => address.to_string(),
        (None, None) => String::new(),
    };
    let page = DecisionsPage {
        action: portal.own_path(),
        outcomes: outcomes(portal, filter),
        sought,
        from: filter.from.map(dates::machine_minute).unwrap_or_default(),
        to: filter.to.map(dates::machine_minute).unwrap_or_default(),
        wanted: filter.outcome(),
        is_filtered: filter.is_narrow(),
        everything: portal.href(PATH),
        problem,
        several,
        kept_days: app.settings().decisions_days,
        rows: traces.iter().map(|trace| row(portal, trace, now)).collect(),
        pager: Pager {
            first: (!is_first).then(|| here.clone()),
            next: found.next.map(|(at, id)| {
                let mark = if here.contains('?') { '&' } else { '?' };
                format!("{here}{mark}after={}", TimeCursor(at, id))
            }),
        },
        frame: portal.shell(Section::Decisions, Band::Neither).await?,
    };
    Ok(Page::new(page))
}

fn outcomes(portal: &Portal, filter: &Filter) -> Vec<Outcome> {
    let outcomes = [
        (None, "All"),
        (Some(false), "Refused"),
        (Some(true), "Allowed"),
    ];
    let outcome = |(allowed, label)| {
        let of = Filter {
            allowed,
            ..filter.clone()
        };
        Outcome {
            href: of.href(portal),
            label,
            is_current: allowed == filter.allowed,
        }
    };
    outcomes.into_iter().map(outcome).collect()
}

/// A decision as a row shows it.
pub(in crate::portal) fn row(portal: &Portal, trace: &Trace, now: UnixMillis) -> DecisionRow {
    let credential = trace.credential.as_ref().map(|credential| {
        (
            super::of_credential(portal, &credential.id),
            credential.name.clone(),
            kind(credential).to_owned(),
        )
    });
    let environment = trace.environment.map_or("", crate::portal::shell::told);
    DecisionRow {
        href: portal.href(format!("{PATH}/{}", trace.request_id)),
        request: request(trace),
        when: When::of(trace.at, now),
        outcome: outcome(trace),
        reason: trace.word.clone(),
        credential,
        environment,
        ip: trace.ip.clone().unwrap_or_default(),
    }
}

/// What was asked for, in one line.
pub(super) fn request(trace: &Trace) -> String {
    let parts = [trace.method.as_deref(), trace.path.as_deref()];
    let known: Vec<&str> = parts.into_iter().flatten().collect();
    if known.is_empty() {
        trace.request_id.to_string()
    } else {
        known.join(" ")
    }
}

fn allowed(fields: &Fields) -> Option<bool> {
    match fields.get("outcome") {
        Some("refused") => Some(false),
        Some("allowed") => Some(true),
        _ => None,
    }
}

impl Filter {
    /// What an address says; what cannot be read is not asked for.
    fn of(query: &Fields) -> Self {
        let time = |name| query.get(name).and_then(dates::parse_minute);
        let is_id = |text: &&str| {
            let mut bytes = text.bytes();
            text.len() < 64 && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        Self {
            credential: query.get("credential").filter(is_id).map(str::to_owned),
            address: query.get("address").and_then(|text| text.parse().ok()),
            allowed: allowed(query),
            from: time("from"),
            to: time("to"),
        }
    }

    fn is_narrow(&self) -> bool {
        let is_about = self.credential.is_some() || self.address.is_some();
        is_about || self.allowed.is_some() || self.from.is_some() || self.to.is_some()
    }

    fn outcome(&self) -> &'static str {
        match self.allowed {
            None => "",
            Some(false) => "refused",
            Some(true) => "allowed",
        }
    }

    fn wanted(&self) -> DecisionFilter {
        DecisionFilter {
            request_id: None,
            credential_id: self.credential.clone(),
            allowed: self.allowed,
            ip: self.address.map(|address| address.to_string()),
            from: self.from,
            to: self.to,
        }
    }

    /// The address of the list that shows this.
    fn href(&self, portal: &Portal) -> String {
        let time = |at: Option<UnixMillis>| at.map(dates::machine_minute);
        let pairs = [
            ("credential", self.credential.clone()),
            ("address", self.address.map(|address| address.to_string())),
            (
                "outcome",
                Some(self.outcome().to_owned()).filter(|word| !word.is_empty()),
            ),
            ("from", time(self.from)),
            ("to", time(self.to)),
        ];
        portal.href(with_query(PATH, &pairs))
    }
}
