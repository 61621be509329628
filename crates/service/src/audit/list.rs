//! Reading the audit log.

use std::fmt;

use claviger_model::UnixMillis;
use claviger_model::audit::{ChainHash, ChainedEvent};
use claviger_model::ids::{AccountId, EventId};
use claviger_store::audit;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::access::{EvidenceAccess, OperatorAccess};
use crate::app::App;
use crate::error::Error;

/// Which events to list; what is absent is not asked for.
#[derive(Clone, Default, Debug)]
pub struct AuditFilter {
    /// Of this action, such as `key.revoked`.
    pub action: Option<String>,
    /// By this actor.
    pub actor: Option<String>,
    /// About this thing, by its id.
    pub target: Option<String>,
    /// From this time on.
    pub from: Option<UnixMillis>,
    /// Before this time.
    pub to: Option<UnixMillis>,
}

/// A page of events, the newest first.
#[derive(Clone, Debug)]
pub struct AuditPage {
    /// The events.
    pub events: Vec<ChainedEvent>,
    /// Where the next page starts; none on the last one.
    pub next: Option<i64>,
}

/// An event as it is shown and exported.
#[derive(Serialize)]
pub struct EventView<'a> {
    seq: i64,
    id: EventId,
    at: UnixMillis,
    account_id: Option<AccountId>,
    actor: &'a str,
    action: &'a str,
    target: &'a str,
    before: Option<&'a Value>,
    after: Option<&'a Value>,
    ip: Option<&'a str>,
    request_id: Option<&'a str>,
    #[serde(serialize_with = "shown")]
    hash: Hex<'a>,
}

/// A hash in hexadecimal.
pub(super) struct Hex<'a>(pub(super) &'a ChainHash);

/// Lists events, `limit` of them at most, after the last one of the page before. An account sees
/// its own events only.
pub async fn page(
    app: &App,
    access: &EvidenceAccess,
    filter: &AuditFilter,
    after: Option<i64>,
    limit: u32,
) -> Result<AuditPage, Error> {
    let filter = filter.clone();
    let wanted = audit::AuditFilter {
        account_id: access.account_id(),
        action: filter.action,
        actor: filter.actor,
        target: filter.target,
        from: filter.from,
        to: filter.to,
    };
    let mut reader = app.read().await?;
    // One more than asked for tells whether there is a next page.
    let mut events = audit::page(&mut reader, &wanted, after, limit.saturating_add(1)).await?;
    let has_more = events.len() > limit as usize;
    events.truncate(limit as usize);
    let next = events.last().filter(|_| has_more).map(|last| last.seq);
    Ok(AuditPage { events, next })
}

/// The events after place `after`, in the order of the chain, at most `limit`; for an export.
pub async fn chain(
    app: &App,
    _access: &OperatorAccess,
    after: i64,
    limit: u32,
) -> Result<Vec<ChainedEvent>, Error> {
    Ok(audit::chain_page(&mut *app.read().await?, after, limit).await?)
}

impl<'a> EventView<'a> {
    /// The view of an event.
    pub fn new(chained: &'a ChainedEvent) -> Self {
        let event = &chained.event;
        Self {
            seq: chained.seq,
            id: event.id,
            at: event.at,
            account_id: event.account_id,
            actor: &event.actor,
            action: &event.action,
            target: &event.target,
            before: event.before.as_ref(),
            after: event.after.as_ref(),
            ip: event.ip.as_deref(),
            request_id: event.request_id.as_deref(),
            hash: Hex(&chained.hash),
        }
    }

    /// The hash over the event and all before it, in hexadecimal.
    pub fn hash(&self) -> String {
        self.hash.to_string()
    }
}

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn shown<S: Serializer>(hash: &Hex<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(hash)
}
