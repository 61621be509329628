//! The log as JSON lines, to be checked elsewhere: a part at a time, whatever its length.
//!
//! The whole log has every event in the order of the chain, the last checkpoint before all of them
//! and every other one behind its last event. What is less than the whole log, such as an
//! account's own events, has each event with its proof, and before them the checkpoint that the
//! proofs lead to.

use claviger_store::audit_checkpoints::{self, StoredCheckpoint};
use claviger_store::{Conn, audit};
use serde::Serialize;
use serde_json::json;

use super::checkpoints::{Due, advance};
use super::list::{AuditFilter, EventView, wanted};
use super::proof::ProvenSpan;
use crate::access::EvidenceAccess;
use crate::app::App;
use crate::error::Error;

/// Events of a part.
const PAGE: u32 = 500;

/// An export that is being written.
pub struct Export {
    filter: audit::AuditFilter,
    after: i64,
    state: State,
}

enum State {
    /// Every event, and the checkpoint that comes next.
    Whole {
        next: Option<StoredCheckpoint>,
        is_begun: bool,
    },
    /// Some events up to the place of the last checkpoint, and the span of the last one.
    Proved {
        last_seq: i64,
        span: Option<Box<ProvenSpan>>,
    },
}

impl Export {
    /// Begins an export of the events that `filter` asks for; of all of them when it asks for none
    /// and the caller may see all. What was not signed yet is signed first.
    ///
    /// # Errors
    /// Nothing is signed and nothing can be; the store's.
    pub async fn begin(
        app: &App,
        access: &EvidenceAccess,
        filter: &AuditFilter,
    ) -> Result<Self, Error> {
        let filter = wanted(access, filter);
        let is_whole = filter == audit::AuditFilter::default();
        if let Err(error) = advance(app, Due::Now).await {
            // Whoever checks the export finds what is wrong with the log.
            tracing::error!(%error, "an export of the audit log has events that are not signed");
        }
        let mut reader = app.read().await?;
        let last = audit_checkpoints::last(&mut reader).await?;
        let state = if is_whole {
            State::Whole {
                next: audit_checkpoints::over(&mut reader, 1).await?,
                is_begun: false,
            }
        } else {
            State::Proved {
                last_seq: last.as_ref().map_or(0, place),
                span: None,
            }
        };
        Ok(Self {
            filter,
            after: 0,
            state,
        })
    }

    /// The next lines; none at the end.
    ///
    /// # Errors
    /// The log cannot be read, or is not as it was signed.
    pub async fn next(&mut self, app: &App) -> Result<Option<Vec<u8>>, Error> {
        let mut reader = app.read().await?;
        let mut lines = Vec::new();
        match &mut self.state {
            State::Whole { next, is_begun } => {
                if !*is_begun {
                    *is_begun = true;
                    let last = audit_checkpoints::last(&mut reader).await?;
                    return match last {
                        Some(last) => checkpoint(&mut lines, &last).map(|()| Some(lines)),
                        None => Ok(Some(lines)),
                    };
                }
                self.after = whole(&mut reader, self.after, next, &mut lines).await?;
            }
            State::Proved { last_seq, span } => {
                let between = (self.after, *last_seq);
                let page = audit::page_in_order(&mut reader, &self.filter, between, PAGE).await?;
                for event in &page {
                    self.after = event.seq;
                    let known = span.take().filter(|span| span.reaches(event.seq));
                    let fresh = if let Some(known) = known {
                        known
                    } else {
                        let fresh = ProvenSpan::over(app, &mut reader, event.seq).await?;
                        checkpoint(&mut lines, &fresh.checkpoint)?;
                        Box::new(fresh)
                    };
                    let proof = fresh.proof(event.seq)?;
                    line(&mut lines, &EventView::proved(event, &proof))?;
                    *span = Some(fresh);
                }
            }
        }
        Ok((!lines.is_empty()).then_some(lines))
    }
}

/// Writes a page of the whole log, and the checkpoint at its end if there is one; where it ends.
async fn whole(
    conn: &mut Conn,
    after: i64,
    next: &mut Option<StoredCheckpoint>,
    lines: &mut Vec<u8>,
) -> Result<i64, Error> {
    let left = next.as_ref().map_or(i64::MAX, |next| place(next) - after);
    let limit = u32::try_from(left).unwrap_or(PAGE).min(PAGE);
    let page = audit::chain_page(conn, after, limit).await?;
    for event in &page {
        line(lines, &EventView::new(event))?;
    }
    let Some(last) = page.last() else {
        return Ok(after);
    };
    // Where events are missing the place of the checkpoint may have been passed over.
    if let Some(reached) = next.take_if(|next| last.seq >= place(next)) {
        checkpoint(lines, &reached)?;
        *next = audit_checkpoints::over(conn, last.seq + 1).await?;
    }
    Ok(last.seq)
}

fn place(checkpoint: &StoredCheckpoint) -> i64 {
    i64::try_from(checkpoint.tree.size()).unwrap_or(i64::MAX)
}

fn checkpoint(lines: &mut Vec<u8>, checkpoint: &StoredCheckpoint) -> Result<(), Error> {
    line(lines, &json!({"checkpoint": checkpoint.note}))
}

fn line(lines: &mut Vec<u8>, value: &impl Serialize) -> Result<(), Error> {
    serde_json::to_writer(&mut *lines, value).map_err(Error::internal)?;
    lines.push(b'\n');
    Ok(())
}
