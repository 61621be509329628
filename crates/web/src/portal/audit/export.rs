//! `/audit/export`: the events of a list as JSON lines, the newest first.

use axum::body::Bytes;
use claviger_service::access::EvidenceAccess;
use claviger_service::audit::{self, AuditFilter, EventView};
use claviger_service::{App, Caller, Error};

use super::filter::Filter;
use crate::pages::dates;
use crate::portal::download::{Parts, download};
use crate::portal::{Answer, Portal};

/// Events read at once.
const PAGE: u32 = 500;

/// Sends the events that the address asks for, of the caller's account.
pub async fn send(portal: Portal) -> Answer {
    let access = portal.allowed(Caller::evidence).await?;
    let wanted = Filter::of(&portal.query).wanted();
    let app = portal.web.app().clone();
    let name = format!("audit-{}.jsonl", dates::machine_day(app.sources().now()));
    let write = |parts: Parts| async move { write(&app, &access, &wanted, &parts).await };
    Ok(download(&name, "application/jsonl", write))
}

async fn write(app: &App, access: &EvidenceAccess, wanted: &AuditFilter, parts: &Parts) {
    let mut after = None;
    loop {
        let page = audit::page(app, access, wanted, after, PAGE).await;
        let part = page.and_then(|page| Ok((lines(&page.events)?, page.next)));
        let (part, next) = match part {
            Ok((lines, next)) => (Ok(lines), next),
            Err(error) => (Err(error), None),
        };
        // Nobody reads any more when it cannot be sent.
        if parts.send(part).await.is_err() || next.is_none() {
            return;
        }
        after = next;
    }
}

fn lines(events: &[claviger_model::audit::ChainedEvent]) -> Result<Bytes, Error> {
    let mut lines = Vec::new();
    for event in events {
        serde_json::to_writer(&mut lines, &EventView::new(event))
            .map_err(|error| Error::Internal(Box::new(error)))?;
        lines.push(b'\n');
    }
    Ok(lines.into())
}
