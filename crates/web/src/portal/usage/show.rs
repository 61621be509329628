//! `/usage`.

use askama::Template;
use claviger_model::{Reason, UnixMillis};
use claviger_service::Caller;
use claviger_service::access::EvidenceAccess;
use claviger_service::decisions::{self, DecisionFilter, RefusalGroup, RefusalQuery, Trace};
use claviger_service::tokens::{self, IssuedOnDay};

use super::PATH;
use super::span::Span;
use crate::error::Failure;
use crate::pages::dates;
use crate::portal::chart::{Chart, Step, told};
use crate::portal::decisions::of_credential;
use crate::portal::links::with_query;
use crate::portal::{Answer, Band, Portal, Section, Shell};

/// Rows of a table of those with most.
const MOST: u32 = 10;
/// Rows of the table of tokens.
const TOKEN_ROWS: u32 = 100;

/// Usage.
#[derive(Template)]
#[template(path = "portal/usage.html")]
struct UsagePage {
    frame: Shell,
    spans: Vec<SpanLink>,
    span: &'static str,
    kept_days: u32,
    /// Whether the span reaches back further than what is kept.
    is_cut: bool,
    total: String,
    chart: Option<Chart>,
    refusals_csv: String,
    tables: Vec<Table>,
    tokens: Vec<TokenRow>,
    tokens_total: String,
    tokens_csv: String,
    decisions: String,
}

/// A span as a link.
struct SpanLink {
    href: String,
    label: &'static str,
    is_current: bool,
}

/// A table of those with most refusals.
struct Table {
    title: &'static str,
    of: &'static str,
    rows: Vec<Row>,
}

struct Row {
    label: String,
    about: String,
    href: Option<String>,
    count: String,
    /// Of a hundred parts, how many the count is of the largest one.
    share: usize,
}

/// Tokens of a client on a day.
struct TokenRow {
    name: String,
    href: String,
    day: String,
    machine_day: String,
    count: String,
}

/// Shows the page.
pub async fn show(portal: Portal) -> Answer {
    let access = portal.allowed(Caller::evidence).await?;
    let app = portal.web.app();
    let now = app.sources().now();
    let span = span_of(&portal);
    let query = query(&portal, span, now);
    let step = span.step_millis();
    let over_time = decisions::refusals_over_time(app, &access, &query, step).await?;
    let count = |start: UnixMillis| -> i64 {
        let within = over_time.iter().filter(|one| one.from == start);
        within.map(|one| one.count).sum()
    };
    let starts = span.starts(now);
    let steps: Vec<Step> = starts
        .into_iter()
        .map(|start| Step {
            label: span.step(start),
            count: count(start),
        })
        .collect();
    let issued = issued(&portal, &access, span, now).await?;
    let days = app.settings().decisions_days;
    let here = |path: &str, span: Span| {
        let span = ("span", Some(span.as_str().to_owned()));
        portal.href(with_query(path, &[span]))
    };
    let page = UsagePage {
        spans: Span::ALL
            .map(|one| SpanLink {
                href: here(PATH, one),
                label: one.told(),
                is_current: one == span,
            })
            .into(),
        span: span.past(),
        kept_days: days,
        is_cut: query.from < decisions::kept_since(app, now),
        total: told(steps.iter().map(|step| step.count).sum()),
        chart: Chart::of("Refusals", span.step_name(), &steps),
        refusals_csv: here("/usage/refusals.csv", span),
        tables: tables(&portal, &access, &query).await?,
        tokens_total: told(issued.iter().map(|one| one.count).sum()),
        tokens: issued
            .into_iter()
            .map(|one| token_row(&portal, one))
            .collect(),
        tokens_csv: here("/usage/tokens.csv", span),
        decisions: portal.href("/decisions?outcome=refused"),
        frame: portal.shell(Section::Usage, Band::At(PATH.into())).await?,
    };
    Ok(Portal::page(page))
}

/// The span that the address names.
pub(super) fn span_of(portal: &Portal) -> Span {
    let named = portal.query.get("span").and_then(Span::parse);
    named.unwrap_or(Span::Day)
}

/// The refusals of a span in the environment that is looked at.
pub(super) fn query(portal: &Portal, span: Span, now: UnixMillis) -> RefusalQuery {
    RefusalQuery {
        environment: Some(portal.environment),
        credential_id: None,
        from: span.from(now),
        to: now.plus_millis(1),
    }
}

/// The tokens of a span: whole days, because they are counted by the day.
pub(super) async fn issued(
    portal: &Portal,
    access: &EvidenceAccess,
    span: Span,
    now: UnixMillis,
) -> Result<Vec<IssuedOnDay>, Failure> {
    let environment = Some(portal.environment);
    let from = match span {
        Span::Hour | Span::Day => now,
        Span::Month => span.from(now),
    };
    let app = portal.web.app();
    Ok(tokens::issued_since(app, access, environment, from, TOKEN_ROWS).await?)
}

fn token_row(portal: &Portal, one: IssuedOnDay) -> TokenRow {
    TokenRow {
        href: portal.href(format!("/clients/{}", one.client_id)),
        name: one.client_name,
        day: dates::day(one.day),
        machine_day: dates::machine_day(one.day),
        count: told(one.count),
    }
}

async fn tables(
    portal: &Portal,
    access: &EvidenceAccess,
    query: &RefusalQuery,
) -> Result<Vec<Table>, Failure> {
    let app = portal.web.app();
    let mut tables = Vec::new();
    for (group, title, of) in [
        (RefusalGroup::Reason, "By reason", "Reason"),
        (RefusalGroup::Credential, "By credential", "Credential"),
        (RefusalGroup::Api, "By API", "API"),
        (RefusalGroup::MissingScope, "By missing scope", "Scope"),
    ] {
        let counted = decisions::count_refusals(app, access, query, group, MOST).await?;
        let most = counted.first().map_or(1, |(_, count)| (*count).max(1));
        let mut rows = Vec::new();
        for (key, count) in counted {
            let (label, about, href) = match group {
                RefusalGroup::Credential => {
                    let name = name_of(portal, access, &key).await?;
                    (name, key.clone(), Some(of_credential(portal, &key)))
                }
                RefusalGroup::Reason => {
                    let reason = Reason::parse(&key);
                    let message = reason.map_or("", |reason| reason.refusal().message);
                    (key, message.to_owned(), None)
                }
                _ => (key, String::new(), None),
            };
            rows.push(Row {
                label,
                about,
                href,
                count: told(count),
                share: usize::try_from(count * 100 / most)
                    .unwrap_or(100)
                    .clamp(1, 100),
            });
        }
        if !rows.is_empty() {
            tables.push(Table { title, of, rows });
        }
    }
    Ok(tables)
}

/// What a credential was called when it was last used.
async fn name_of(portal: &Portal, access: &EvidenceAccess, id: &str) -> Result<String, Failure> {
    let last = DecisionFilter {
        credential_id: Some(id.to_owned()),
        ..DecisionFilter::default()
    };
    let found = decisions::page(portal.web.app(), access, &last, None, 1).await?;
    let trace = found
        .decisions
        .into_iter()
        .next()
        .map(Trace::read)
        .transpose()?;
    let credential = trace.and_then(|trace| trace.credential);
    Ok(credential.map_or_else(|| id.to_owned(), |credential| credential.name))
}
