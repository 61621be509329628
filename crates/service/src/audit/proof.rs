//! The proof of one event: what its owner takes away to show that it is in the log, without a word
//! about anybody else's events.

use claviger_model::audit::evidence::Proof;
use claviger_model::audit::tree::Span;
use claviger_model::audit::{ChainHash, ChainedEvent, leaf_hash};
use claviger_model::ids::EventId;
use claviger_store::audit_checkpoints::{self, StoredCheckpoint};
use claviger_store::{Conn, audit};
use serde_json::{Value, json};

use super::checkpoints::{Due, advance, opened};
use super::list::{EventView, Hex};
use crate::access::EvidenceAccess;
use crate::app::App;
use crate::error::Error;

/// An event, the checkpoint over it, and the way from one to the other.
#[derive(Clone, Debug)]
pub struct EventProof {
    /// The event.
    pub event: ChainedEvent,
    /// The way.
    pub proof: Proof,
    /// The signed note.
    pub note: String,
}

/// A checkpoint, and what there is to prove the events with that it added.
pub(super) struct ProvenSpan {
    pub(super) checkpoint: StoredCheckpoint,
    span: Span,
}

/// The proof of an event that the caller may see. An event that no checkpoint stands for yet gets
/// one.
///
/// # Errors
/// An unknown event; another account's is as unknown as one that never was. The log is not as it
/// was signed.
pub async fn proof(app: &App, access: &EvidenceAccess, id: EventId) -> Result<EventProof, Error> {
    let found = audit::get(&mut *app.read().await?, id).await?;
    let is_theirs = |event: &ChainedEvent| {
        access.account_id().is_none() || event.event.account_id == access.account_id()
    };
    let event = found
        .filter(is_theirs)
        .ok_or_else(|| Error::not_found("event"))?;
    let over = audit_checkpoints::over(&mut *app.read().await?, event.seq).await?;
    if over.is_none() {
        advance(app, Due::Now).await?;
    }
    let span = ProvenSpan::over(app, &mut *app.read().await?, event.seq).await?;
    let proof = span.proof(event.seq)?;
    Ok(EventProof {
        event,
        proof,
        note: span.checkpoint.note,
    })
}

impl ProvenSpan {
    /// The span in which the event at place `seq` is.
    pub(super) async fn over(app: &App, conn: &mut Conn, seq: i64) -> Result<Self, Error> {
        let checkpoint = audit_checkpoints::over(conn, seq).await?;
        let checkpoint =
            checkpoint.ok_or_else(|| Error::conflict("No checkpoint stands for the event yet."))?;
        opened(app, &checkpoint)?;
        let before = audit_checkpoints::before(conn, seq).await?;
        let before = before.map(|before| before.tree).unwrap_or_default();
        let from = i64::try_from(before.size()).unwrap_or(i64::MAX);
        let count = checkpoint.tree.size() - before.size();
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let events = audit::chain_page(conn, from, count).await?;
        let leaves: Vec<ChainHash> = events
            .iter()
            .map(|event| leaf_hash(event.seq, &event.event))
            .collect();
        let mut tree = before.clone();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        if tree != checkpoint.tree {
            let message = format!(
                "The audit log is not as it was signed: an event from {} to {} was changed.",
                from + 1,
                checkpoint.tree.size()
            );
            return Err(Error::conflict(message));
        }
        Ok(Self {
            span: Span::new(&before, &leaves),
            checkpoint,
        })
    }

    /// Whether the event at this place is in it or before.
    pub(super) fn reaches(&self, seq: i64) -> bool {
        u64::try_from(seq).is_ok_and(|seq| seq <= self.checkpoint.tree.size())
    }

    /// The way from the event at place `seq`, which is in the span.
    pub(super) fn proof(&self, seq: i64) -> Result<Proof, Error> {
        let index = u64::try_from(seq).ok().and_then(|seq| seq.checked_sub(1));
        let path = index
            .and_then(|index| self.span.path(index))
            .ok_or_else(|| Error::not_found("event"))?;
        Ok(Proof {
            checkpoint_seq: self.checkpoint.tree.size(),
            path: path.iter().map(|hash| Hex(hash).to_string()).collect(),
        })
    }
}

impl EventProof {
    /// What is taken away: one JSON object that `claviger audit verify` takes.
    ///
    /// # Errors
    /// It cannot be written, which does not happen.
    pub fn document(&self) -> Result<Value, Error> {
        let view = EventView::proved(&self.event, &self.proof);
        let mut document = serde_json::to_value(view).map_err(Error::internal)?;
        if let Value::Object(members) = &mut document {
            members.insert("checkpoint".to_owned(), json!(self.note));
        }
        Ok(document)
    }
}
