//! `GET /v1/audit`: who changed what.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_service::audit::{self, AuditFilter, EventView};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Page;
use super::decisions::time;
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Paging, Query, Session};
use crate::state::Web;

/// Which events to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Of this action, such as `key.created`.
    action: Option<String>,
    /// By this actor: an id.
    actor: Option<String>,
    /// About this thing: an id.
    target: Option<String>,
    /// From this time on, in Unix milliseconds.
    from: Option<String>,
    /// Before this time, in Unix milliseconds.
    to: Option<String>,
}

/// List audit events
///
/// The newest first. An account sees its own; an operator who is in none sees all.
#[utoipa::path(get, path = "/v1/audit", operation_id = "list_audit_events",
    tag = "evidence", params(AuditQuery, Paging),
    security(("session" = [])),
    responses((status = 200, body = Page<Object>), (status = 403, body = Envelope)))]
pub async fn list(
    State(web): State<Web>,
    Session(caller): Session,
    Query(query): Query<AuditQuery>,
    Query(paging): Query<Paging>,
) -> Result<Response, Failure> {
    let access = caller.evidence()?;
    let filter = query.filter()?;
    let page = audit::page(
        web.app(),
        &access,
        &filter,
        paging.after()?,
        paging.limit()?,
    )
    .await?;
    let data: Vec<EventView<'_>> = page.events.iter().map(EventView::new).collect();
    let next = page.next.map(|seq| seq.to_string());
    Ok(axum::Json(Page::new(data, next)).into_response())
}

impl AuditQuery {
    fn filter(self) -> Result<AuditFilter, Failure> {
        Ok(AuditFilter {
            action: self.action,
            actor: self.actor,
            target: self.target,
            from: time("from", self.from)?,
            to: time("to", self.to)?,
        })
    }
}
