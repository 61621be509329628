//! `GET /v1/decisions`: why a request was allowed or refused.

use std::net::IpAddr;
use std::str::FromStr;

use axum::extract::State;
use claviger_model::UnixMillis;
use claviger_service::decisions::{self, DecisionFilter};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::{Page, TimeCursor};
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Paging, Query, Session};
use crate::state::Web;

/// Which decisions to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DecisionQuery {
    /// About this request: the `Request-Id` of its answer.
    request_id: Option<String>,
    /// About this credential: its id.
    credential: Option<String>,
    /// `true`: allowed ones; `false`: refused ones.
    allowed: Option<String>,
    /// From this address.
    ip: Option<String>,
    /// From this time on, in Unix milliseconds.
    from: Option<String>,
    /// Before this time, in Unix milliseconds.
    to: Option<String>,
}

/// List decisions
///
/// The newest first, each as the verifier answered it, with `at`, `ip`, `method` and `path`.
#[utoipa::path(get, path = "/v1/decisions", operation_id = "list_decisions",
    tag = "evidence", params(DecisionQuery, Paging),
    security(("session" = [])),
    responses((status = 200, body = Page<Object>), (status = 403, body = Envelope)))]
pub async fn list(
    State(web): State<Web>,
    Session(caller): Session,
    Query(query): Query<DecisionQuery>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<Page<Value>>, Failure> {
    let access = caller.evidence()?;
    let after = paging
        .after::<TimeCursor<_>>()?
        .map(|TimeCursor(at, id)| (at, id));
    let filter = query.filter()?;
    let page = decisions::page(web.app(), &access, &filter, after, paging.limit()?).await?;
    let next = page.next.map(|(at, id)| TimeCursor(at, id).to_string());
    Ok(axum::Json(Page::new(page.decisions, next)))
}

impl DecisionQuery {
    fn filter(self) -> Result<DecisionFilter, Failure> {
        let request_id = member("request_id", self.request_id, "must be a Request-Id: req_…")?;
        let ip: Option<IpAddr> = member("ip", self.ip, "must be an IP address")?;
        Ok(DecisionFilter {
            request_id,
            credential_id: self.credential,
            allowed: member("allowed", self.allowed, "must be true or false")?,
            ip: ip.map(|ip| ip.to_string()),
            from: time("from", self.from)?,
            to: time("to", self.to)?,
        })
    }
}

/// A member of a query that has to be read.
pub(super) fn member<T: FromStr>(
    name: &str,
    text: Option<String>,
    told: &str,
) -> Result<Option<T>, Failure> {
    text.map(|text| text.parse().map_err(|_| Failure::field(name, told)))
        .transpose()
}

/// A time in a query.
pub(super) fn time(name: &str, text: Option<String>) -> Result<Option<UnixMillis>, Failure> {
    let millis = member(name, text, "must be a time in milliseconds since 1970")?;
    Ok(millis.map(UnixMillis))
}
