//! Following the whole chain of the audit log.

use std::collections::VecDeque;

use claviger_model::audit::checkpoint::Signed;
use claviger_model::audit::tree::Frontier;
use claviger_model::audit::{ChainVerifier, ChainedEvent};
use claviger_store::audit_checkpoints::{self, StoredCheckpoint};
use claviger_store::{Reader, StoreError, audit, ledger};

use super::checkpoints::opened;
use super::journal;
use super::list::Hex;
use crate::app::App;
use crate::error::Error;

/// Events and checkpoints read at once.
const EVENTS_AT_ONCE: u32 = 1_000;

/// What following the chain found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChainReport {
    /// Every event is as it was written, none is missing and none was added.
    Intact {
        /// How many there are.
        events: i64,
        /// The hash of the last one, in hexadecimal; to be kept elsewhere and compared later.
        head: String,
        /// The last checkpoint, which fits like all before it.
        checkpoint: Option<Box<Signed>>,
    },
    /// It is not.
    Broken {
        /// The place of the first bad event, from one.
        seq: i64,
        /// What is wrong with it.
        why: String,
    },
}

/// The log as far as it was followed.
struct Followed {
    chain: ChainVerifier,
    tree: Frontier,
    /// The checkpoints that come next.
    ahead: VecDeque<StoredCheckpoint>,
    last: Option<Signed>,
}

/// Follows the chain from its start, compares it with each checkpoint, and its end with the
/// ledger's and with the checkpoints beside the database.
///
/// # Errors
/// The database cannot be read. A broken chain is no error but the answer.
pub async fn check(app: &App) -> Result<ChainReport, Error> {
    let mut reader = app.read().await?;
    let mut followed = Followed {
        chain: ChainVerifier::default(),
        tree: Frontier::default(),
        ahead: VecDeque::new(),
        last: None,
    };
    let mut at_once = EVENTS_AT_ONCE;
    loop {
        let (seq, hash) = followed.chain.head();
        let page = match audit::chain_page(&mut reader, seq, at_once).await {
            // Read one by one, to find the first one that cannot be read.
            Err(StoreError::Corrupt { .. }) if at_once > 1 => {
                at_once = 1;
                continue;
            }
            Err(error @ StoreError::Corrupt { .. }) => {
                return Ok(broken(seq + 1, error.to_string()));
            }
            page => page?,
        };
        for event in &page {
            if let Some(report) = followed.follow(app, &mut reader, event).await? {
                return Ok(report);
            }
        }
        if !page.is_empty() {
            continue;
        }
        // Read after the events: what was written meanwhile is still to be followed.
        let end = ledger::audit_head(&mut reader).await?;
        if end == (seq, hash) {
            return followed.finish(app, &mut reader).await;
        }
        let newer = end.0 > seq && !audit::chain_page(&mut reader, seq, 1).await?.is_empty();
        if newer {
            continue;
        }
        let why = match end.0 {
            last if last > seq => format!("events {} to {last} are missing", seq + 1),
            last if last < seq => format!("it was written past the end of the chain, {last}"),
            _ => "its hash is not the one that the ledger has".to_owned(),
        };
        let seq = if end.0 > seq {
            seq + 1
        } else {
            (end.0 + 1).min(seq)
        };
        return Ok(broken(seq, why));
    }
}

impl Followed {
    /// Takes the next event; what is wrong with it or with the checkpoint that ends with it.
    async fn follow(
        &mut self,
        app: &App,
        reader: &mut Reader,
        event: &ChainedEvent,
    ) -> Result<Option<ChainReport>, Error> {
        let leaf = match self.chain.follow(event) {
            Ok(leaf) => leaf,
            Err(why) => return Ok(Some(broken(self.chain.head().0 + 1, why.to_string()))),
        };
        self.tree.push(leaf);
        if self.ahead.is_empty() {
            let after = event.seq - 1;
            let page = audit_checkpoints::page_in_order(reader, after, EVENTS_AT_ONCE).await?;
            self.ahead = page.into();
        }
        let size = self.tree.size();
        let is_reached = |next: &StoredCheckpoint| next.tree.size() == size;
        if !self.ahead.front().is_some_and(is_reached) {
            return Ok(None);
        }
        let Some(checkpoint) = self.ahead.pop_front() else {
            return Ok(None);
        };
        let first = self.last.as_ref().map_or(0, |last| last.checkpoint.seq);
        let first = i64::try_from(first).unwrap_or(i64::MAX).saturating_add(1);
        let signed = match opened(app, &checkpoint) {
            Ok(signed) => signed,
            Err(error) => return Ok(Some(broken(first, error.to_string()))),
        };
        if checkpoint.tree != self.tree || signed.checkpoint.chain != self.chain.head().1 {
            let why = format!(
                "events {first} to {size} are not those that were signed: at least one of them \
                 was changed and the hashes were made anew"
            );
            return Ok(Some(broken(first, why)));
        }
        self.last = Some(signed);
        Ok(None)
    }

    /// What is to be said at the end of the chain.
    async fn finish(self, app: &App, reader: &mut Reader) -> Result<ChainReport, Error> {
        let (events, hash) = self.chain.head();
        let later = audit_checkpoints::over(reader, events + 1).await?;
        if let Some(later) = later {
            let last = later.tree.size();
            let why = format!("a checkpoint was signed over events up to {last}");
            return Ok(broken(events + 1, why));
        }
        match journal::compare(app).await {
            Err(error @ Error::Refused { .. }) => Ok(broken(events + 1, error.to_string())),
            Err(error) => Err(error),
            Ok(()) => Ok(ChainReport::Intact {
                events,
                head: Hex(&hash).to_string(),
                checkpoint: self.last.map(Box::new),
            }),
        }
    }
}

fn broken(seq: i64, why: String) -> ChainReport {
    ChainReport::Broken { seq, why }
}
