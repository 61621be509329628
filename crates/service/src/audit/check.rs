//! Following the whole chain of the audit log.

use claviger_model::audit::ChainVerifier;
use claviger_store::{StoreError, audit, ledger};

use super::list::Hex;
use crate::app::App;
use crate::error::Error;

/// Events read at once.
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
    },
    /// It is not.
    Broken {
        /// The place of the first bad event, from one.
        seq: i64,
        /// What is wrong with it.
        why: String,
    },
}

/// Follows the chain from its start and compares its end with the ledger's.
///
/// # Errors
/// The database cannot be read. A broken chain is no error but the answer.
pub async fn check(app: &App) -> Result<ChainReport, Error> {
    let mut reader = app.read().await?;
    let mut verifier = ChainVerifier::default();
    let mut at_once = EVENTS_AT_ONCE;
    loop {
        let (seq, hash) = verifier.head();
        let page = match audit::chain_page(&mut reader, seq, at_once).await {
            // Read one by one, to find the first one that cannot be read.
            Err(StoreError::Corrupt { .. }) if at_once > 1 => {
                at_once = 1;
                continue;
            }
            Err(error @ StoreError::Corrupt { .. }) => {
                return Ok(ChainReport::Broken {
                    seq: seq + 1,
                    why: error.to_string(),
                });
            }
            page => page?,
        };
        for event in &page {
            if let Err(broken) = verifier.follow(event) {
                let seq = verifier.head().0 + 1;
                return Ok(ChainReport::Broken {
                    seq,
                    why: broken.to_string(),
                });
            }
        }
        if !page.is_empty() {
            continue;
        }
        // Read after the events: what was written meanwhile is still to be followed.
        let end = ledger::audit_head(&mut reader).await?;
        if end == (seq, hash) {
            return Ok(ChainReport::Intact {
                events: seq,
                head: Hex(&hash).to_string(),
            });
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
        return Ok(ChainReport::Broken { seq, why });
    }
}
