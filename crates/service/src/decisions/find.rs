//! Finding decisions again: "why was this request refused?"

use claviger_model::UnixMillis;
use claviger_model::ids::RequestId;
use claviger_store::decisions::{self, StoredDecision};
use serde_json::Value;

use crate::access::EvidenceAccess;
use crate::app::App;
use crate::error::Error;

/// Which decisions to list; what is absent is not asked for.
#[derive(Clone, Default, Debug)]
pub struct DecisionFilter {
    /// About this request.
    pub request_id: Option<RequestId>,
    /// About this credential, by its id.
    pub credential_id: Option<String>,
    /// Allowed ones, or refused ones.
    pub allowed: Option<bool>,
    /// From this address.
    pub ip: Option<String>,
    /// From this time on.
    pub from: Option<UnixMillis>,
    /// Before this time.
    pub to: Option<UnixMillis>,
}

/// A page of decisions, the newest first.
#[derive(Clone, Debug)]
pub struct DecisionPage {
    /// The decisions, each as a verification answers it, with `at`, `ip`, `method` and `path`.
    pub decisions: Vec<Value>,
    /// Where the next page starts; none on the last one.
    pub next: Option<(UnixMillis, RequestId)>,
}

/// The decision about a request.
///
/// # Errors
/// It was not kept, or is about another account's credential: both are "no such decision".
pub async fn find(app: &App, access: &EvidenceAccess, id: RequestId) -> Result<Value, Error> {
    let found = stored(app, access, id).await?;
    body(&found.ok_or_else(|| Error::not_found("decision"))?)
}

/// Lists decisions, `limit` of them at most, after the last one of the page before.
pub async fn page(
    app: &App,
    access: &EvidenceAccess,
    filter: &DecisionFilter,
    after: Option<(UnixMillis, RequestId)>,
    limit: u32,
) -> Result<DecisionPage, Error> {
    if let Some(id) = filter.request_id {
        let found = stored(app, access, id)
            .await?
            .filter(|row| filter.takes(row));
        let decisions = found.iter().map(body).collect::<Result<_, _>>()?;
        return Ok(DecisionPage {
            decisions,
            next: None,
        });
    }
    let wanted = decisions::DecisionFilter {
        account_id: access.account_id(),
        credential_id: filter.credential_id.clone(),
        allowed: filter.allowed,
        ip: filter.ip.clone(),
        from: filter.from,
        to: filter.to,
    };
    flush(app).await;
    let mut reader = app.usage_db().read().await?;
    // One more than asked for tells whether there is a next page.
    let mut rows = decisions::page(&mut reader, &wanted, after, limit.saturating_add(1)).await?;
    let has_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows
        .last()
        .filter(|_| has_more)
        .map(|last| (last.at, last.request_id));
    Ok(DecisionPage {
        decisions: rows.iter().map(body).collect::<Result<_, _>>()?,
        next,
    })
}

async fn stored(
    app: &App,
    access: &EvidenceAccess,
    id: RequestId,
) -> Result<Option<StoredDecision>, Error> {
    flush(app).await;
    let mut reader = app.usage_db().read().await?;
    let found = decisions::by_request_id(&mut reader, id).await?;
    Ok(found.filter(|row| {
        access
            .account_id()
            .is_none_or(|own| row.account_id == Some(own))
    }))
}

/// Makes what was just decided readable. Without it older decisions still are.
pub(super) async fn flush(app: &App) {
    if let Err(error) = app.decisions().flush().await {
        tracing::warn!(%error, "the newest decisions could not be kept");
    }
}

fn body(row: &StoredDecision) -> Result<Value, Error> {
    serde_json::from_str(&row.body).map_err(|error| Error::Internal(Box::new(error)))
}

impl DecisionFilter {
    /// Whether a decision that was found by its id is wanted by everything else too.
    fn takes(&self, row: &StoredDecision) -> bool {
        let is =
            |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        is(&self.credential_id, &row.credential_id)
            && is(&self.ip, &row.ip)
            && self.allowed.is_none_or(|allowed| allowed == row.allowed)
            && self.from.is_none_or(|from| row.at >= from)
            && self.to.is_none_or(|to| row.at < to)
    }
}
