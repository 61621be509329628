//! `/usage/refusals.csv` and `/usage/tokens.csv`: what the page shows, for a spreadsheet (RFC
//! 4180).

use axum::body::Body;
use axum::response::Response;
use claviger_service::Caller;
use claviger_service::decisions;

use super::show::{issued, query, span_of};
use crate::csv::{line, moment};
use crate::pages::dates;
use crate::portal::download::file;
use crate::portal::{Answer, Portal};

/// Refusals, by step and reason.
pub async fn refusals(portal: Portal) -> Answer {
    let access = portal.allowed(Caller::evidence).await?;
    let app = portal.web.app();
    let now = app.sources().now();
    let span = span_of(&portal);
    let query = query(&portal, span, now);
    let found = decisions::refusals_over_time(app, &access, &query, span.step_millis()).await?;
    let mut csv = String::from("from,reason,refusals\r\n");
    for one in found {
        line(
            &mut csv,
            [&moment(one.from), &one.reason, &one.count.to_string()],
        );
    }
    Ok(named("refusals", span.as_str(), csv))
}

/// Tokens of clients with a quota, by day.
pub async fn tokens(portal: Portal) -> Answer {
    let access = portal.allowed(Caller::evidence).await?;
    let now = portal.web.app().sources().now();
    let span = span_of(&portal);
    let mut csv = String::from("day,client_id,client_name,tokens\r\n");
    for one in issued(&portal, &access, span, now).await? {
        let (day, id) = (dates::machine_day(one.day), one.client_id.to_string());
        line(
            &mut csv,
            [&day, &id, &one.client_name, &one.count.to_string()],
        );
    }
    Ok(named("tokens", span.as_str(), csv))
}

fn named(what: &str, span: &str, csv: String) -> Response {
    let name = format!("{what}-{span}.csv");
    file(&name, "text/csv; charset=utf-8", Body::from(csv))
}
