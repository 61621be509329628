//! `claviger audit checkpoint`, `checkpoints`, `key` and `proof`.

use claviger_service::audit;
use claviger_service::audit::checkpoints as signed;
use serde_json::Value;

use crate::exit::{Exit, Failure};
use crate::screen::{Column, Screen, Shown};
use crate::store::{Store, object};

const COLUMNS: [Column; 4] = [
    ("seq", "last event", Shown::Plain),
    ("at", "signed", Shown::Time),
    ("root", "root", Shown::Plain),
    ("key_fingerprint", "key", Shown::Plain),
];
const PAGE: u32 = 200;

/// Signs a checkpoint and prints its note.
pub(super) async fn make(store: &Store, screen: Screen) -> Result<Exit, Failure> {
    let made = signed::make(&store.app, &store.caller.operator()?).await?;
    if screen.is_json {
        screen.data(&object(&made)?.to_string())?;
    } else {
        screen.data(made.note.trim_end())?;
    }
    Ok(Exit::Done)
}

/// Lists checkpoints.
pub(super) async fn list(store: &Store, limit: u32, screen: Screen) -> Result<Exit, Failure> {
    let access = store.caller.evidence()?;
    let mut rows: Vec<Value> = Vec::new();
    let mut after = None;
    loop {
        let left = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        let page = signed::list(&store.app, &access, after, left.min(PAGE)).await?;
        for checkpoint in &page.checkpoints {
            rows.push(object(checkpoint)?);
        }
        after = page.next;
        if after.is_none() || left <= PAGE {
            break;
        }
    }
    screen.list(&COLUMNS, &rows, "no checkpoint is signed yet")?;
    Ok(Exit::Done)
}

/// Prints the keys that checkpoints are signed with, the current one first.
pub(super) fn key(store: &Store, screen: Screen) -> Result<Exit, Failure> {
    let keys = signed::keys(&store.app);
    if screen.is_json {
        screen.data(&object(&keys)?.to_string())?;
        return Ok(Exit::Done);
    }
    for key in keys {
        screen.data(&key.key)?;
        let told = if key.is_current { "current" } else { "earlier" };
        screen.note(&format!("{} ({told})", key.fingerprint));
    }
    Ok(Exit::Done)
}

/// Prints the proof of one event.
pub(super) async fn proof(store: &Store, event: &str, screen: Screen) -> Result<Exit, Failure> {
    let id = event.parse().map_err(|_| {
        Failure::new(Exit::Usage, format!("{event} is no id of an event"))
            .hint("`claviger audit list --json` shows them")
    })?;
    let access = store.caller.evidence()?;
    let proof = audit::proof(&store.app, &access, id).await?;
    screen.data(&proof.document()?.to_string())?;
    Ok(Exit::Done)
}
