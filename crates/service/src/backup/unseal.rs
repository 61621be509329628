//! Opening what came back: what the journal of revocations knows is done again, what may have been
//! used once is ended, and no node can take what it saw before for what is now.

use std::path::Path;
use std::sync::Arc;

use claviger_model::audit::Action;
use claviger_store::recovery::{self, Ended};
use claviger_store::{Journal, JournalRead, StoreError, Thing, Tx, ledger};
use serde::Serialize;
use serde_json::json;

use super::seal::{self, Seal};
use crate::access::OperatorAccess;
use crate::app::{App, Effect, forgotten_before};
use crate::audit::journal as checkpoint_file;
use crate::error::Error;

/// How far the epoch jumps: more commits than any instance makes between a backup and its restore,
/// and few enough that an epoch stays a number that JSON can carry for a million restores.
const EPOCH_JUMP: i64 = 1 << 32;

/// What is done when the journal cannot tell everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JournalChoice {
    /// Nothing: the operator is asked.
    Needed,
    /// It is opened without what is not known.
    Waived,
}

/// What becomes of a thing that the journal knows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Come {
    /// What it is.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// What an operator looks at before the instance is opened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Plan {
    /// The seal.
    pub seal: Seal,
    /// The epoch of the last revocation that the journal knows of.
    pub journal_epoch: Option<i64>,
    /// When that was, in Unix milliseconds.
    pub journal_at: Option<i64>,
    /// Why the journal does not know all revocations since the recovery point; none when it does.
    pub gap: Option<String>,
    /// The last event of the audit log that a checkpoint beside the database knows of.
    pub checkpoint_seq: Option<u64>,
    /// How many events the audit log in the database has.
    pub audit_events: i64,
    /// What was changed since, and is brought to its last state.
    pub replayed: Vec<Come>,
}

/// What was done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Opened {
    /// Things of which the journal knew a later state.
    pub replayed: u64,
    /// Of them those that the database does not know: what was made after the recovery point.
    pub unknown: u64,
    /// Sessions that were ended.
    pub sessions: u64,
    /// Families of refresh tokens that were ended.
    pub families: u64,
    /// Invitations that were taken back.
    pub invitations: u64,
    /// Accounts whose access tokens were ended.
    pub accounts: u64,
    /// The epoch from here on.
    pub epoch: i64,
}

/// What opening the instance would do. `journal` is another file than the one beside the database.
///
/// # Errors
/// `conflict` where it is not sealed; the journal cannot be read.
pub async fn plan(
    app: &App,
    _access: &OperatorAccess,
    journal: Option<&Path>,
) -> Result<Plan, Error> {
    looked_at(app, journal).await.map(|(plan, _)| plan)
}

/// Opens the instance.
///
/// # Errors
/// `conflict` where it is not sealed, or where the journal has a gap that is not waived.
pub async fn unseal(
    app: &App,
    access: &OperatorAccess,
    journal: Option<&Path>,
    choice: JournalChoice,
) -> Result<Opened, Error> {
    let (plan, things) = looked_at(app, journal).await?;
    if let (Some(gap), JournalChoice::Needed) = (&plan.gap, choice) {
        return Err(Error::conflict(format!(
            "Not every revocation since the recovery point is known: {gap}."
        )));
    }
    put_checkpoints_aside(app, &plan).await?;
    let (things, plan) = (Arc::new(things), Arc::new(plan));
    let (app_inside, signature) = (app.clone(), access.signature().clone());
    let written = app.db().write_sealed(move |tx: &mut Tx| {
        let (app, signature) = (app_inside.clone(), signature.clone());
        let (things, plan) = (Arc::clone(&things), Arc::clone(&plan));
        Box::pin(async move {
            if !seal::take_off(tx).await? {
                return Err(Error::conflict("The instance is open already."));
            }
            let (replayed, unknown) = replay(tx, &things).await?;
            let ended = recovery::end_all(tx).await?;
            let known = plan.journal_epoch.unwrap_or(0);
            let jump = ledger::epoch(tx).await?.max(known) + EPOCH_JUMP;
            recovery::raise_epoch(tx, jump).await?;
            let opened = opened(replayed, unknown, ended, jump + 1);
            let after = Some(json!({"opened": &opened, "found": &*plan}));
            let action = Action::BackupRestored;
            let event = signature.event(app.sources(), None, action, "backup", (None, after))?;
            tx.audit(event);
            Ok::<_, Error>(opened)
        })
    });
    let opened = written.await?.value;
    app.db().unseal();
    // It goes on from here, so that it knows all that comes after the next backup.
    if let Some(file) = app.journal_file() {
        let journal = Journal::new(file, Arc::clone(app.keyring()));
        let forget_before = forgotten_before(app.sources().now());
        journal.begin(app.db(), forget_before).await?;
    }
    app.propagation()
        .settle(opened.epoch, Effect::Removes)
        .await;
    Ok(opened)
}

fn opened(replayed: u64, unknown: u64, ended: Ended, epoch: i64) -> Opened {
    Opened {
        replayed,
        unknown,
        sessions: ended.sessions,
        families: ended.families,
        invitations: ended.invitations,
        accounts: ended.accounts,
        epoch,
    }
}

async fn looked_at(app: &App, journal: Option<&Path>) -> Result<(Plan, Vec<Thing>), Error> {
    let Some(seal) = seal::state(app).await? else {
        return Err(Error::conflict("The instance is open: nothing is sealed."));
    };
    let Some(beside) = app.journal_file() else {
        return Err(Error::conflict(super::POSTGRES));
    };
    let file = journal.map_or(beside, Path::to_owned);
    let keyring = Arc::clone(app.keyring());
    let shown = file.display().to_string();
    let read = tokio::task::spawn_blocking(move || Journal::read(&file, &keyring));
    let read = read.await.map_err(Error::internal)?;
    let read = read.map_err(|error| Error::conflict(format!("{shown}: {error}.")))?;
    let mut reader = app.read().await?;
    let epoch = ledger::epoch(&mut reader).await?;
    let (audit_events, _) = ledger::audit_head(&mut reader).await?;
    drop(reader);
    let gap = gap(read.as_ref(), epoch, &shown);
    let read = read.unwrap_or_default();
    let things = recovery::latest(&read.entries, epoch);
    let come = |thing: &Thing| Come {
        kind: thing.kind.clone(),
        id: thing.id.clone(),
    };
    let checkpoint = checkpoint_file::last_beside(app).await?;
    let plan = Plan {
        seal,
        journal_epoch: read.last_epoch(),
        journal_at: read.entries.last().map(|last| last.at.0),
        gap,
        checkpoint_seq: checkpoint.map(|last| last.checkpoint.seq),
        audit_events,
        replayed: things.iter().map(come).collect(),
    };
    Ok((plan, things))
}

/// Why the journal does not know everything after `epoch`.
fn gap(read: Option<&JournalRead>, epoch: i64, file: &str) -> Option<String> {
    let Some(read) = read else {
        return Some(format!("there is no journal {file}"));
    };
    if let Some(line) = read.bad_line {
        return Some(format!("line {line} of {file} is not as it was written"));
    }
    match read.covers_after() {
        Some(after) if after <= epoch => None,
        Some(after) => Some(format!(
            "{file} begins after epoch {after}, and the database ends with epoch {epoch}"
        )),
        None => Some(format!("{file} is empty")),
    }
}

/// Does again what was done to things. Where one has to come before another, the order is found.
async fn replay(tx: &mut Tx, things: &[Thing]) -> Result<(u64, u64), Error> {
    let mut left: Vec<&Thing> = things.iter().collect();
    let (mut replayed, mut unknown) = (0, 0);
    while !left.is_empty() {
        let before = left.len();
        let mut again = Vec::new();
        let mut last = None;
        for thing in left {
            match thing.replay(tx).await {
                Ok(done) if done.found => replayed += 1,
                Ok(_) => unknown += 1,
                Err(error @ StoreError::Conflict { .. }) => {
                    last = Some((thing, error));
                    again.push(thing);
                }
                Err(error) => return Err(error.into()),
            }
        }
        if let (true, Some((thing, error))) = (again.len() == before, last) {
            return Err(Error::conflict(format!(
                "What the journal knows of {} {} does not fit the database: {error}.",
                thing.kind, thing.id
            )));
        }
        left = again;
    }
    Ok((replayed, unknown))
}

/// The checkpoints of the time that was lost are kept, under another name: the log goes on from
/// where the database is.
async fn put_checkpoints_aside(app: &App, plan: &Plan) -> Result<(), Error> {
    let Some(file) = app.checkpoints_file() else {
        return Ok(());
    };
    let Some(beside) = checkpoint_file::last_beside(app).await? else {
        return Ok(());
    };
    match checkpoint_file::compare_with(&mut *app.read().await?, &beside).await {
        Ok(()) => Ok(()),
        Err(Error::Refused { .. }) => {
            let name = format!("audit-checkpoints-until-{}.jsonl", plan.seal.since);
            std::fs::rename(file, file.with_file_name(name)).map_err(Error::internal)
        }
        Err(error) => Err(error),
    }
}
