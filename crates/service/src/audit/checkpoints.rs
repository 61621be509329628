//! Signing checkpoints of the log.
//!
//! A checkpoint adds what was written since the last one. Before it is signed the new events are
//! followed from the last checkpoint, whose own signature is looked at: a log that was changed in
//! the database is never signed anew.

use std::path::PathBuf;

use claviger_model::audit::checkpoint::{self, Checkpoint, CheckpointKey, Signed};
use claviger_model::audit::tree::Frontier;
use claviger_model::audit::{CHAIN_START, ChainHash, ChainVerifier};
use claviger_model::keyring::Keyring;
use claviger_store::audit_checkpoints::{self, StoredCheckpoint};
use claviger_store::{Location, StoreError, Tx, audit, ledger};
use serde::Serialize;

use super::journal;
use crate::access::{EvidenceAccess, OperatorAccess};
use crate::app::{App, Effect};
use crate::error::Error;

const MINUTE_MILLIS: i64 = 60_000;
/// The name of the file beside a SQLite database.
pub(crate) const FILE_NAME: &str = "audit-checkpoints.jsonl";

/// When a checkpoint is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// Now, when anything was written since the last one.
    Now,
    /// When the last one is old enough or enough was written since.
    ByAge,
}

/// A checkpoint as it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CheckpointView {
    /// The place of its last event.
    pub seq: u64,
    /// When it was made, in Unix milliseconds.
    pub at: i64,
    /// The head of the tree over all events up to that one, in hexadecimal.
    pub root: String,
    /// The hash of that event.
    pub hash: String,
    /// The log that it is of.
    pub origin: String,
    /// SHA-256 of the key that signed it, as SSH shows such.
    pub key_fingerprint: String,
    /// The signed note itself.
    pub note: String,
}

/// A page of checkpoints, the newest first.
#[derive(Clone, Debug)]
pub struct CheckpointPage {
    /// The checkpoints.
    pub checkpoints: Vec<CheckpointView>,
    /// Where the next page starts; none on the last one.
    pub next: Option<i64>,
}

/// A key that signs checkpoints, as it is published.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct KeyView {
    /// Its line, to be kept by whoever checks exports.
    pub key: String,
    /// What people compare.
    pub fingerprint: String,
    /// Whether new checkpoints are signed with it.
    pub is_current: bool,
}

/// Signs what waits for a checkpoint; the last one that was made, none when nothing was due.
///
/// # Errors
/// The log is not as it was signed, or the store's.
pub async fn advance(app: &App, due: Due) -> Result<Option<CheckpointView>, Error> {
    journal::compare(app).await?;
    let mut made = None;
    while let Some((checkpoint, signed, is_last)) = next(app, due).await? {
        write(app, checkpoint.clone()).await?;
        made = Some(view(&checkpoint, &signed));
        if is_last {
            break;
        }
    }
    journal::follow(app).await?;
    Ok(made)
}

/// Signs a checkpoint now, for an operator; the last one, whether it was made now or before.
///
/// # Errors
/// The log is not as it was signed, or has no event yet.
pub async fn make(app: &App, _access: &OperatorAccess) -> Result<CheckpointView, Error> {
    let made = advance(app, Due::Now).await?;
    let last = match made {
        Some(made) => Some(made),
        None => last_view(app).await?,
    };
    last.ok_or_else(|| Error::conflict("There is no event to sign yet."))
}

/// The last checkpoint, for those who may look at the log.
///
/// # Errors
/// The store's.
pub async fn last(app: &App, _access: &EvidenceAccess) -> Result<Option<CheckpointView>, Error> {
    last_view(app).await
}

/// Lists checkpoints, `limit` of them at most, after the last one of the page before.
///
/// # Errors
/// The store's.
pub async fn list(
    app: &App,
    _access: &EvidenceAccess,
    after: Option<i64>,
    limit: u32,
) -> Result<CheckpointPage, Error> {
    let mut reader = app.read().await?;
    let asked = limit.saturating_add(1);
    let mut found = audit_checkpoints::page(&mut reader, after, asked).await?;
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let views: Vec<CheckpointView> = found.iter().map(|one| shown(app, one)).collect();
    let last = views.last().and_then(|last| i64::try_from(last.seq).ok());
    Ok(CheckpointPage {
        next: last.filter(|_| has_more),
        checkpoints: views,
    })
}

/// The keys that sign and have signed checkpoints, the current one first.
pub fn keys(app: &App) -> Vec<KeyView> {
    let trusted = trusted(app).into_iter().enumerate();
    let view = |(number, key): (usize, CheckpointKey)| KeyView {
        key: key.to_string(),
        fingerprint: key.fingerprint(),
        is_current: number == 0,
    };
    trusted.map(view).collect()
}

/// The file of checkpoints beside a database of this machine.
pub(crate) fn file_beside(main: &Location) -> Option<PathBuf> {
    match main {
        Location::Sqlite { file } => Some(file.with_file_name(FILE_NAME)),
        Location::Postgres { .. } => None,
    }
}

/// The keys whose signatures the instance takes for its own.
pub(super) fn trusted(app: &App) -> Vec<CheckpointKey> {
    keys_of(app.keyring(), &app.settings().public_url)
}

/// The keys that sign and have signed the checkpoints of the instance at this address.
pub(crate) fn keys_of(keyring: &Keyring, public_url: &str) -> Vec<CheckpointKey> {
    let name = checkpoint::origin(public_url);
    let keys = keyring.checkpoint_keys();
    keys.map(|public| CheckpointKey {
        name: name.clone(),
        public,
    })
    .collect()
}

/// What a stored checkpoint says, when one of our keys signed it over its own tree.
pub(super) fn opened(app: &App, stored: &StoredCheckpoint) -> Result<Signed, Error> {
    let seq = stored.tree.size();
    let refused = |why: String| {
        let message = format!("The audit log is not as it was signed: {why}.");
        Error::conflict(message)
    };
    let signed = checkpoint::open(&stored.note, &trusted(app))
        .map_err(|bad| refused(format!("the checkpoint of event {seq} {bad}")))?;
    let is_of_tree = signed.checkpoint.seq == seq && signed.checkpoint.root == stored.tree.root();
    if is_of_tree {
        return Ok(signed);
    }
    Err(refused(format!(
        "the checkpoint of event {seq} was changed in the database"
    )))
}

async fn last_view(app: &App) -> Result<Option<CheckpointView>, Error> {
    let last = audit_checkpoints::last(&mut *app.read().await?).await?;
    Ok(last.map(|last| shown(app, &last)))
}

/// The view of a stored checkpoint. Of one that cannot be believed only what the database says is
/// known.
fn shown(app: &App, stored: &StoredCheckpoint) -> CheckpointView {
    match checkpoint::open(&stored.note, &trusted(app)) {
        Ok(signed) => view(stored, &signed),
        Err(_) => CheckpointView {
            seq: stored.tree.size(),
            at: stored.at.0,
            root: hex(&stored.tree.root()),
            hash: String::new(),
            origin: String::new(),
            key_fingerprint: String::new(),
            note: stored.note.clone(),
        },
    }
}

fn view(stored: &StoredCheckpoint, signed: &Signed) -> CheckpointView {
    let Signed { checkpoint, key } = signed;
    CheckpointView {
        seq: checkpoint.seq,
        at: checkpoint.at.0,
        root: hex(&checkpoint.root),
        hash: hex(&checkpoint.chain),
        origin: checkpoint.origin.clone(),
        key_fingerprint: key.fingerprint(),
        note: stored.note.clone(),
    }
}

fn hex(hash: &ChainHash) -> String {
    checkpoint::Hex(hash).to_string()
}

/// The next checkpoint that is due, unwritten, and whether nothing is left after it.
async fn next(app: &App, due: Due) -> Result<Option<(StoredCheckpoint, Signed, bool)>, Error> {
    let settings = app.settings().audit;
    let mut reader = app.read().await?;
    let last = audit_checkpoints::last(&mut reader).await?;
    let (head, _) = ledger::audit_head(&mut reader).await?;
    let (mut tree, chain, last_at) = match &last {
        Some(last) => {
            let signed = opened(app, last)?;
            (last.tree.clone(), signed.checkpoint.chain, last.at)
        }
        None => (
            Frontier::default(),
            CHAIN_START,
            claviger_model::UnixMillis(0),
        ),
    };
    let from = i64::try_from(tree.size()).unwrap_or(i64::MAX);
    let now = app.sources().now();
    let is_old = now.since(last_at) >= i64::from(settings.checkpoint_minutes) * MINUTE_MILLIS;
    let is_full = head - from >= i64::from(settings.checkpoint_events);
    if head <= from || !(due == Due::Now || is_old || is_full) {
        return Ok(None);
    }
    let page = audit::chain_page(&mut reader, from, settings.checkpoint_events).await;
    let page = page.map_err(|error| match error {
        StoreError::Corrupt { .. } => changed(&error),
        other => other.into(),
    })?;
    let mut verifier = ChainVerifier::after(from, chain);
    for event in &page {
        tree.push(verifier.follow(event).map_err(|broken| changed(&broken))?);
    }
    let (seq, chain) = verifier.head();
    if seq == from {
        return Err(changed(&format!("events after {from} are missing")));
    }
    let statement = Checkpoint {
        origin: checkpoint::origin(&app.settings().public_url),
        seq: tree.size(),
        root: tree.root(),
        chain,
        at: now,
    };
    let stored = StoredCheckpoint {
        at: now,
        note: statement.sign(app.keyring()),
        tree,
    };
    let signed = opened(app, &stored)?;
    Ok(Some((stored, signed, seq >= head)))
}

fn changed(what: &dyn std::fmt::Display) -> Error {
    Error::conflict(format!("The audit log is not as it was written: {what}."))
}

/// Writes a checkpoint, unless another node was first with this one.
async fn write(app: &App, stored: StoredCheckpoint) -> Result<(), Error> {
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let stored = stored.clone();
        Box::pin(async move {
            audit_checkpoints::insert(tx, &stored).await?;
            Ok::<_, Error>(())
        })
    })
    .await
}
