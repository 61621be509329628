//! `GET /v1/usage`: how often what was asked for.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::Environment;
use claviger_service::usage::{self, By, Usage, UsageQuery};
use http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use utoipa::IntoParams;

use super::decisions::time;
use crate::csv;
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Query, Session};
use crate::state::Web;

/// Which usage to count.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UsageParameters {
    /// From this time on, in Unix milliseconds, to the minute; 30 days before `to` when absent.
    from: Option<String>,
    /// Before this time, in Unix milliseconds; the minute that it is in is counted whole. Now when
    /// absent.
    to: Option<String>,
    /// By what: `credential` (when absent), `secret`, `api`, `route`, `scope`, `outcome`,
    /// `environment`, `minute`, `hour` or `day`.
    by: Option<String>,
    /// Of this credential: the id of a key, of the legacy key or of a client.
    credential: Option<String>,
    /// `live` or `test`; both when absent.
    environment: Option<String>,
    /// `csv`: a table for a spreadsheet, as `Accept: text/csv` gives it too.
    format: Option<String>,
}

/// Count requests
///
/// How many requests were allowed and refused, and how many access tokens clients got: `data` has a
/// row for each group, `total` all of it. A request that asked for several scopes is counted with
/// each of them by `scope`, and once in `total`. Requests without a known credential are counted
/// for the operator alone. Steps begin at `at`; those without any request are left out.
#[utoipa::path(get, path = "/v1/usage", operation_id = "count_usage",
    tag = "evidence", params(UsageParameters),
    security(("session" = [])),
    responses((status = 200, description = "The counts, as JSON or as CSV", body = Object),
        (status = 403, body = Envelope), (status = 422, body = Envelope)))]
pub async fn count(
    State(web): State<Web>,
    Session(caller): Session,
    headers: HeaderMap,
    Query(parameters): Query<UsageParameters>,
) -> Result<Response, Failure> {
    let access = caller.evidence()?;
    let by = parameters.by()?;
    let is_csv = parameters.is_csv(&headers)?;
    let query = parameters.query(&web)?;
    let counted = usage::count(web.app(), &access, &query, by).await?;
    if !is_csv {
        return Ok(axum::Json(counted).into_response());
    }
    let mut response = Response::new(Body::from(table(&counted, by)));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    headers.insert(CONTENT_TYPE, kind);
    let name = HeaderValue::from_static("attachment; filename=\"usage.csv\"");
    headers.insert(CONTENT_DISPOSITION, name);
    Ok(response)
}

impl UsageParameters {
    fn by(&self) -> Result<By, Failure> {
        let word = self.by.as_deref().unwrap_or(By::Credential.as_str());
        By::parse(word).ok_or_else(|| {
            let words: Vec<&str> = By::ALL.into_iter().map(By::as_str).collect();
            Failure::field("by", format!("must be one of: {}", words.join(", ")))
        })
    }

    fn is_csv(&self, headers: &HeaderMap) -> Result<bool, Failure> {
        let accepted = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
        match self.format.as_deref() {
            None => Ok(accepted.is_some_and(|accept| accept.starts_with("text/csv"))),
            Some("csv") => Ok(true),
            Some("json") => Ok(false),
            Some(_) => Err(Failure::field("format", "must be csv or json")),
        }
    }

    fn query(self, web: &Web) -> Result<UsageQuery, Failure> {
        let environment = self.environment.as_deref().map(|word| {
            Environment::parse(word)
                .ok_or_else(|| Failure::field("environment", "must be live or test"))
        });
        let (from, to) = (time("from", self.from)?, time("to", self.to)?);
        let query = UsageQuery::between(web.app(), from, to);
        if query.from > query.to {
            return Err(Failure::field("from", "must not be after to"));
        }
        Ok(UsageQuery {
            credential_id: self.credential,
            environment: environment.transpose()?,
            ..query
        })
    }
}

/// The counts as CSV (RFC 4180).
pub fn table(counted: &Usage, by: By) -> String {
    let names: &[&str] = match by {
        By::Credential => &["credential_id", "kind"],
        By::Secret => &["credential_id", "kind", "secret_id"],
        By::Api => &["api_id"],
        By::Route => &["api_id", "route"],
        By::Scope => &["scope"],
        By::Outcome => &["outcome"],
        By::Environment => &["environment"],
        By::Step(_) => &["at"],
    };
    let mut text = String::new();
    csv::line(
        &mut text,
        names
            .iter()
            .copied()
            .chain(["allowed", "refused", "tokens"]),
    );
    for row in &counted.rows {
        let group = &row.group;
        let cell = |name: &str| match name {
            "credential_id" => group.credential_id.clone(),
            "kind" => group.kind.map(|kind| kind.as_str().to_owned()),
            "secret_id" => group.secret_id.map(|id| id.to_string()),
            "api_id" => group.api_id.map(|id| id.to_string()),
            "route" => group.route.clone(),
            "scope" => group.scope.clone(),
            "outcome" => group.outcome.map(str::to_owned),
            "environment" => group.environment.map(|one| one.as_str().to_owned()),
            _ => group.at.map(csv::moment),
        };
        let counts = [row.counts.allowed, row.counts.refused, row.counts.tokens];
        let cells = names.iter().map(|name| cell(name).unwrap_or_default());
        csv::line(
            &mut text,
            cells.chain(counts.map(|count| count.to_string())),
        );
    }
    text
}
