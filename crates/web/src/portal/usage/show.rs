//! `/usage`.

use std::collections::HashMap;

use askama::Template;
use claviger_model::usage::Step as Length;
use claviger_model::{Reason, UnixMillis};
use claviger_service::usage::{self, By, Counts, Most, Ranking, Usage, UsageQuery, UsageRow};
use claviger_service::{Caller, apis, credentials};

use super::PATH;
use super::span::Span;
use crate::pages::dates;
use crate::portal::chart::{Chart, Step, told};
use crate::portal::decisions::of_credential;
use crate::portal::links::with_query;
use crate::portal::{Answer, Band, Portal, Section, Shell};

/// Usage.
#[derive(Template)]
#[template(path = "portal/usage.html")]
struct UsagePage {
    frame: Shell,
    spans: Vec<SpanLink>,
    span: &'static str,
    /// The credential that alone is looked at, and where all are.
    only: Option<(String, String)>,
    figures: Vec<(&'static str, String)>,
    charts: Vec<Chart>,
    /// Where the charts and each table are for a spreadsheet.
    csv: String,
    tables: Vec<Table>,
    decisions: String,
}

/// A span as a link.
struct SpanLink {
    href: String,
    label: &'static str,
    is_current: bool,
}

/// A table of those with most requests.
struct Table {
    title: &'static str,
    of: &'static str,
    /// What is counted beside the refused ones, or instead of them.
    columns: &'static [&'static str],
    csv: String,
    rows: Vec<Row>,
    /// How many there are beyond those that are shown, and of when that is, where it is not of now.
    note: String,
}

struct Row {
    label: String,
    is_name: bool,
    about: String,
    href: Option<String>,
    counts: Vec<String>,
    /// Of a hundred parts, how many it is of the largest one.
    share: usize,
}

/// Shows the page.
pub async fn show(portal: Portal) -> Answer {
    let access = portal.allowed(Caller::evidence).await?;
    let app = portal.web.app();
    let now = app.sources().now();
    let span = span_of(&portal);
    let query = query(&portal, span, now);
    let bys = [By::Step(span.length()), By::Outcome, By::Api];
    let [steps, outcomes, apis] = usage::count_each(app, &access, &query, bys).await?;
    let apis = Most::from(apis);
    let ranking = usage::rank(app, &access, &query).await?;
    let total = steps.total;
    let only = query.credential_id.as_deref().map(|id| {
        let name = credentials::name_of(app, id).unwrap_or_else(|| id.to_owned());
        (name, here(&portal, PATH, span, None))
    });
    let named = query.credential_id.as_deref();
    let page = UsagePage {
        spans: Span::ALL
            .map(|one| SpanLink {
                href: here(&portal, PATH, one, named),
                label: one.told(),
                is_current: one == span,
            })
            .into(),
        span: span.past(),
        only,
        figures: vec![
            ("Allowed", told(total.allowed)),
            ("Refused", told(total.refused)),
            ("Tokens issued", told(total.tokens)),
        ],
        charts: charts(span, &steps, now),
        csv: csv_link(&portal, span, bys[0], named),
        tables: [refusals(&portal, span, &outcomes, named)]
            .into_iter()
            .chain(tables(&portal, span, &apis, &ranking, named))
            .filter(|table| !table.rows.is_empty())
            .collect(),
        decisions: match named {
            Some(id) => of_credential(&portal, id),
            None => portal.href("/decisions"),
        },
        frame: portal.shell(Section::Usage, Band::At(PATH.into())).await?,
    };
    Ok(Portal::page(page))
}

/// The span that the address names.
pub(super) fn span_of(portal: &Portal) -> Span {
    let named = portal.query.get("span").and_then(Span::parse);
    named.unwrap_or(Span::Day)
}

/// What was asked for in a span, in the environment that is looked at.
pub(super) fn query(portal: &Portal, span: Span, now: UnixMillis) -> UsageQuery {
    let credential = portal.query.get("credential");
    UsageQuery {
        from: span.from(now),
        to: now.plus_millis(1),
        credential_id: credential.map(str::to_owned),
        environment: Some(portal.environment),
    }
}

fn here(portal: &Portal, path: &str, span: Span, credential: Option<&str>) -> String {
    let span = ("span", Some(span.as_str().to_owned()));
    let credential = ("credential", credential.map(str::to_owned));
    portal.href(with_query(path, &[span, credential]))
}

fn csv_link(portal: &Portal, span: Span, by: By, credential: Option<&str>) -> String {
    let parts = [
        ("span", Some(span.as_str().to_owned())),
        ("by", Some(by.as_str().to_owned())),
        ("credential", credential.map(str::to_owned)),
    ];
    portal.href(with_query("/usage.csv", &parts))
}

/// Requests, refusals and tokens over time, of which there were any.
fn charts(span: Span, steps: &Usage, now: UnixMillis) -> Vec<Chart> {
    let starts = span.starts(now);
    let mut counts: HashMap<UnixMillis, Counts> = HashMap::new();
    for row in &steps.rows {
        let within = |at: UnixMillis| starts.iter().rev().find(|start| **start <= at).copied();
        if let Some(start) = row.group.at.and_then(within) {
            counts.entry(start).or_default().add(row.counts);
        }
    }
    let chart = |title: &str, of: fn(&Counts) -> i64| {
        let step = |start: &UnixMillis| Step {
            label: span.step(*start),
            count: counts.get(start).map_or(0, of),
        };
        let steps: Vec<Step> = starts.iter().map(step).collect();
        Chart::of(title, span.step_name(), &steps)
    };
    [
        chart("Requests", Counts::requests),
        chart("Refusals", |counts| counts.refused),
        chart("Tokens issued", |counts| counts.tokens),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn refusals(portal: &Portal, span: Span, outcomes: &Usage, named: Option<&str>) -> Table {
    let refused = outcomes.rows.iter().filter(|row| row.counts.refused > 0);
    let row = |row: &UsageRow| {
        let word = row.group.outcome.unwrap_or_default();
        let message = Reason::parse(word).map_or("", |reason| reason.refusal().message);
        let outcome = ("outcome", Some("refused".to_owned()));
        let credential = ("credential", named.map(str::to_owned));
        Row {
            label: word.to_owned(),
            is_name: false,
            about: message.to_owned(),
            href: Some(portal.href(with_query("/decisions", &[outcome, credential]))),
            counts: vec![told(row.counts.refused)],
            share: share(row.counts.refused, outcomes.total.refused),
        }
    };
    Table {
        title: "Refusals by reason",
        of: "Reason",
        columns: &["Refused"],
        csv: csv_link(portal, span, By::Outcome, named),
        rows: refused.map(row).collect(),
        note: String::new(),
    }
}

/// The tables of those with most requests, in the order of the page.
fn tables(
    portal: &Portal,
    span: Span,
    apis: &Most,
    ranking: &Ranking,
    named: Option<&str>,
) -> [Table; 4] {
    let table = |by: By, title, of, counted: &Most, counted_at| {
        let most = counted.rows.first();
        let most = most.map_or(1, |row| row.counts.requests());
        let rows = counted.rows.iter().map(|row| {
            let (label, about, href) = named_group(portal, by, row);
            Row {
                label,
                is_name: by != By::Scope && by != By::Route,
                about,
                href,
                counts: vec![told(row.counts.allowed), told(row.counts.refused)],
                share: share(row.counts.requests(), most),
            }
        });
        Table {
            title,
            of,
            columns: &["Allowed", "Refused"],
            csv: csv_link(portal, span, by, named),
            rows: rows.collect(),
            note: note(counted.more, counted_at),
        }
    };
    let ranked = |by, title, of, most| table(by, title, of, most, ranking.counted_at);
    let (credentials, scopes) = (&ranking.credentials, &ranking.scopes);
    [
        ranked(By::Credential, "By credential", "Credential", credentials),
        table(By::Api, "By API", "API", apis, None),
        ranked(By::Scope, "By scope", "Scope", scopes),
        ranked(By::Route, "By route", "Route", &ranking.routes),
    ]
}

/// What is said below a table.
fn note(more: usize, counted_at: Option<UnixMillis>) -> String {
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    let more = (more > 0).then(|| format!("{} more in the CSV", told(more)));
    let clock = counted_at.map(dates::clock);
    let counted_at = clock.map(|time| format!("as of {time}, counted once a minute"));
    let parts: Vec<String> = more.into_iter().chain(counted_at).collect();
    parts.join(" · ")
}

/// What a group is called, what more is said of it, and where it is.
fn named_group(portal: &Portal, by: By, row: &UsageRow) -> (String, String, Option<String>) {
    let group = &row.group;
    let app = portal.web.app();
    let api = || {
        group
            .api_id
            .map_or_else(String::new, |id| apis::name_of(app, id))
    };
    match by {
        By::Credential => {
            let id = group.credential_id.clone().unwrap_or_default();
            let name = credentials::name_of(app, &id).unwrap_or_else(|| id.clone());
            let kind = group.kind.map_or("", |kind| kind.noun());
            let href = of_credential(portal, &id);
            (name, kind.to_owned(), Some(href))
        }
        By::Api => (api(), String::new(), None),
        By::Route => (group.route.clone().unwrap_or_default(), api(), None),
        _ => (group.scope.clone().unwrap_or_default(), String::new(), None),
    }
}

fn share(count: i64, most: i64) -> usize {
    let share = count.saturating_mul(100) / most.max(1);
    usize::try_from(share).unwrap_or(100).clamp(1, 100)
}

impl Span {
    /// How long the steps are that it is counted by.
    const fn length(self) -> Length {
        match self {
            Self::Hour => Length::Minute,
            Self::Day => Length::Hour,
            Self::Month => Length::Day,
        }
    }
}
