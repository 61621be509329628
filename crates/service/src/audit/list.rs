//! Reading the audit log.

use claviger_model::UnixMillis;
use claviger_model::audit::ChainedEvent;
pub(super) use claviger_model::audit::checkpoint::Hex;
use claviger_model::audit::evidence::Proof;
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
    salt: Hex<'a>,
    /// The hash over it and all before it; an event by itself has its proof instead.
    #[serde(
        serialize_with = "shown_option",
        skip_serializing_if = "Option::is_none"
    )]
    hash: Option<Hex<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<&'a Proof>,
}

/// Lists events, `limit` of them at most, after the last one of the page before. An account sees
/// its own events only.
pub async fn page(
    app: &App,
    access: &EvidenceAccess,
    filter: &AuditFilter,
    after: Option<i64>,
    limit: u32,
) -> Result<AuditPage, Error> {
    let wanted = wanted(access, filter);
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

/// What a filter comes to for somebody who may see what `access` allows.
pub(super) fn wanted(access: &EvidenceAccess, filter: &AuditFilter) -> audit::AuditFilter {
    let filter = filter.clone();
    audit::AuditFilter {
        account_id: access.account_id(),
        action: filter.action,
        actor: filter.actor,
        target: filter.target,
        from: filter.from,
        to: filter.to,
    }
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
            salt: Hex(&event.salt),
            hash: Some(Hex(&chained.hash)),
            proof: None,
        }
    }

    /// The view of an event with its proof, which says nothing about what was before it.
    pub fn proved(chained: &'a ChainedEvent, proof: &'a Proof) -> Self {
        Self {
            hash: None,
            proof: Some(proof),
            ..Self::new(chained)
        }
    }

    /// The hash over the event and all before it, in hexadecimal.
    pub fn hash(&self) -> String {
        self.hash
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default()
    }
}

fn shown<S: Serializer>(hash: &Hex<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(hash)
}

#[expect(clippy::ref_option, reason = "as serde calls it")]
fn shown_option<S: Serializer>(hash: &Option<Hex<'_>>, serializer: S) -> Result<S::Ok, S::Error> {
    match hash {
        Some(hash) => shown(hash, serializer),
        None => serializer.serialize_none(),
    }
}
