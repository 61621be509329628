//! `/usage.csv`: what the page shows, for a spreadsheet.

use axum::body::Body;
use claviger_service::Caller;
use claviger_service::usage::{self, By};

use super::show::{query, span_of};
use crate::api::usage::table;
use crate::portal::download::file;
use crate::portal::{Answer, Portal};

/// The counts of a span, told apart as the address says; by the credential when it does not.
pub async fn show(portal: Portal) -> Answer {
    let access = portal.allowed(Caller::evidence).await?;
    let app = portal.web.app();
    let span = span_of(&portal);
    let by = portal
        .query
        .get("by")
        .and_then(By::parse)
        .unwrap_or(By::Credential);
    let query = query(&portal, span, app.sources().now());
    let counted = usage::count(app, &access, &query, by).await?;
    let name = format!("usage-{}-{}.csv", by.as_str(), span.as_str());
    let text = table(&counted, by);
    Ok(file(&name, "text/csv; charset=utf-8", Body::from(text)))
}
