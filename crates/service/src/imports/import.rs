//! Taking over keys by a file of their hashes.
//!
//! 1. The whole file is checked. Where a line is bad nothing is taken over, unless the good ones
//!    are asked for.
//! 2. The file is read again, and what is good and new is written, some keys in one transaction, so
//!    that nobody else has to wait long.
//!
//! A run that was cut off is simply repeated: what was taken over is recognised.

use std::io::{BufRead, Seek};
use std::sync::Arc;

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::credentials::{KeySecret, StoredSecret};
use claviger_model::ids::{AccountId, KeyId, SecretId};
use claviger_model::imports::{ImportedHash, PEPPERS_MAX};
use claviger_model::keys::{ApiKey, KeyState};
use claviger_model::secret::Lookup;
use claviger_store::{Tx, imports};
use serde_json::json;
use zeroize::Zeroizing;

use super::check::{Candidate, Checker, Verdict};
use super::lines::Lines;
use crate::access::OperatorAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::keys::audited;
use crate::signature::Signature;

/// Lines that are checked at once.
const CHECKED_AT_ONCE: usize = 500;
/// Keys that are written in one transaction: with what tells of them fewer than 500 rows.
const WRITTEN_AT_ONCE: usize = 70;

/// What is to be done with a file.
#[derive(Clone, Default)]
pub struct ImportOptions {
    /// Whose the keys of lines without an account are.
    pub account_id: Option<AccountId>,
    /// Take over the good lines, whatever others are.
    pub skip_invalid: bool,
    /// Only look what would be done.
    pub dry_run: bool,
    /// The pepper of lines with HMAC-SHA-256.
    pub pepper: Option<Zeroizing<Vec<u8>>>,
}

/// A line that is not acceptable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Its number in the file, from one.
    pub line: u64,
    /// Why, without any value of it.
    pub reason: String,
}

/// How far a run is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Whether it writes by now; before that it checks.
    pub is_writing: bool,
    /// Lines that are done with.
    pub done: u64,
    /// How many there are; none while they are counted.
    pub total: Option<u64>,
}

/// What a run tells while it is under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// A line is not acceptable.
    Refused(Refused),
    /// It has come so far.
    Progress(Progress),
}

/// What a run did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Outcome {
    /// Lines that are not empty.
    pub lines: u64,
    /// Keys that were taken over; in a dry run, or where nothing was, that could have been.
    pub fresh: u64,
    /// Keys that had been taken over before.
    pub known: u64,
    /// Lines that are not acceptable.
    pub refused: u64,
    /// Whether anything may have been written.
    pub is_written: bool,
}

/// The pepper of a file and its number.
struct Pepper {
    number: u8,
    key: Zeroizing<Vec<u8>>,
    is_new: bool,
}

/// One key with all of its rows.
#[derive(Clone)]
struct Rows {
    key: ApiKey,
    secret: KeySecret,
    imported: ImportedHash,
}

/// Takes over the keys of a file. `told` hears of bad lines and of the progress.
///
/// # Errors
/// The file cannot be read, or the store's. What was written until then stays, and is recognised
/// when the run is repeated.
pub async fn import_keys<S: BufRead + Seek>(
    app: &App,
    access: &OperatorAccess,
    source: &mut S,
    options: &ImportOptions,
    told: &mut dyn FnMut(Told),
) -> Result<Outcome, Error> {
    let pepper = match &options.pepper {
        Some(key) => Some(pepper(app, key).await?),
        None => None,
    };
    let mut outcome = look(app, source, options, pepper.as_ref(), told).await?;
    let is_all_good = outcome.refused == 0 || options.skip_invalid;
    if options.dry_run || !is_all_good || outcome.fresh == 0 {
        return Ok(outcome);
    }
    source.rewind().map_err(Error::internal)?;
    outcome.is_written = true;
    let mut epoch = None;
    let written = write(
        app,
        access,
        source,
        options,
        (pepper, outcome, &mut epoch),
        told,
    );
    let written = written.await;
    // Also of a run that was cut off: whoever hears of that finds what was taken over until then.
    if let Some(epoch) = epoch {
        app.propagation().settle(epoch, Effect::Grants).await;
    }
    outcome.fresh = written?;
    Ok(outcome)
}

/// Checks every line.
async fn look<S: BufRead>(
    app: &App,
    source: &mut S,
    options: &ImportOptions,
    pepper: Option<&Pepper>,
    told: &mut dyn FnMut(Told),
) -> Result<Outcome, Error> {
    let mut checker = Checker::new(app, options.account_id, pepper.map(|pepper| pepper.number));
    let mut lines = Lines::of(source);
    let mut outcome = Outcome::default();
    loop {
        let page = lines.page(CHECKED_AT_ONCE).map_err(Error::internal)?;
        if page.is_empty() {
            return Ok(outcome);
        }
        for (line, verdict) in checker.check(page).await? {
            outcome.lines += 1;
            match verdict {
                Verdict::Fresh(_) => outcome.fresh += 1,
                Verdict::Known => outcome.known += 1,
                Verdict::Refused(reason) => {
                    outcome.refused += 1;
                    told(Told::Refused(Refused { line, reason }));
                }
            }
        }
        told(Told::Progress(Progress {
            is_writing: false,
            done: outcome.lines,
            total: None,
        }));
    }
}

/// Writes what is good and new; how many keys. `epoch` is that of the last of them, also when it
/// fails.
async fn write<S: BufRead>(
    app: &App,
    access: &OperatorAccess,
    source: &mut S,
    options: &ImportOptions,
    (mut pepper, seen, epoch): (Option<Pepper>, Outcome, &mut Option<i64>),
    told: &mut dyn FnMut(Told),
) -> Result<u64, Error> {
    let number = pepper.as_ref().map(|pepper| pepper.number);
    let mut checker = Checker::new(app, options.account_id, number);
    let mut lines = Lines::of(source);
    let (mut done, mut written) = (0, 0);
    loop {
        let page = lines.page(WRITTEN_AT_ONCE).map_err(Error::internal)?;
        if page.is_empty() {
            break;
        }
        let mut batch = Vec::with_capacity(page.len());
        for (_, verdict) in checker.check(page).await? {
            done += 1;
            match verdict {
                Verdict::Fresh(candidate) => {
                    batch.push(rows(app, access.signature(), *candidate)?);
                }
                Verdict::Refused(_) if !options.skip_invalid => {
                    let message = "The file, or what is in the store, was changed while it was \
                                   imported. Repeat the import: what was taken over by now is \
                                   recognised.";
                    return Err(Error::conflict(message));
                }
                Verdict::Known | Verdict::Refused(_) => {}
            }
        }
        if !batch.is_empty() {
            written += u64::try_from(batch.len()).unwrap_or_default();
            let fresh = pepper.take().filter(|pepper| pepper.is_new);
            *epoch = write_batch(app, access.signature(), batch, fresh).await?;
        }
        told(Told::Progress(Progress {
            is_writing: true,
            done,
            total: Some(seen.lines),
        }));
    }
    Ok(written)
}

/// Writes some keys in one transaction; its epoch.
async fn write_batch(
    app: &App,
    signature: &Signature,
    batch: Vec<Rows>,
    pepper: Option<Pepper>,
) -> Result<Option<i64>, Error> {
    let (app_inside, signature) = (app.clone(), signature.clone());
    let batch: Arc<[Rows]> = batch.into();
    let pepper = match pepper {
        Some(pepper) => Some((pepper.number, pepper.key, app.sources().nonce()?)),
        None => None,
    };
    let committed = app.db().write(move |tx: &mut Tx| {
        let (app, signature) = (app_inside.clone(), signature.clone());
        let (batch, pepper) = (Arc::clone(&batch), pepper.clone());
        Box::pin(async move {
            if let Some((number, key, nonce)) = &pepper {
                let now = app.sources().now();
                imports::insert_pepper(tx, (*number, key), *nonce, now).await?;
            }
            for rows in batch.iter() {
                imports::insert(tx, (&rows.key, &rows.secret), &rows.imported).await?;
                tell(tx, &app, &signature, rows)?;
            }
            Ok::<_, Error>(())
        })
    });
    Ok(committed.await?.epoch)
}

/// Audits and announces a key that was taken over.
fn tell(tx: &mut Tx, app: &App, signature: &Signature, rows: &Rows) -> Result<(), Error> {
    let Rows {
        key,
        secret,
        imported,
    } = rows;
    tx.change(Change::new(ChangeKind::Key, key.id));
    tx.change(Change::new(ChangeKind::ImportedHash, secret.id));
    let mut after = audited(key);
    after["algorithm"] = json!(imported.algorithm.as_str());
    after["external_id"] = json!(imported.external_id);
    let (account_id, action) = (Some(key.account_id), Action::KeyImported);
    let changes = (None, Some(after.clone()));
    let event = signature.event(app.sources(), account_id, action, key.id, changes)?;
    tx.outbox(&event.action, account_id, after);
    tx.audit(event);
    Ok(())
}

fn rows(app: &App, signature: &Signature, candidate: Candidate) -> Result<Rows, Error> {
    let (now, sources) = (app.sources().now(), app.sources());
    let Candidate {
        described,
        account_id,
        fingerprint,
    } = candidate;
    let key = ApiKey {
        id: KeyId::new(now, &sources.id()?),
        account_id,
        environment: described.environment,
        settings: described.settings,
        rate_ceiling: None,
        state: KeyState::Active,
        created_by: signature.actor().to_owned(),
        created_at: now,
        version: 1,
    };
    let placeholder = Lookup::derived(&*sources.key()?);
    let version = app.keyring().current_version();
    let secret = KeySecret {
        id: SecretId::new(now, &sources.id()?),
        key_id: key.id,
        stored: StoredSecret::placeholder(placeholder, version, described.hint),
        created_at: now,
        version: 1,
    };
    let imported = ImportedHash {
        secret_id: secret.id,
        key_id: key.id,
        account_id,
        external_id: described.external_id,
        fingerprint,
        algorithm: described.hash.algorithm(),
        hash: Some(described.hash),
        placeholder,
        created_at: now,
        upgraded_at: None,
        version: 1,
    };
    Ok(Rows {
        key,
        secret,
        imported,
    })
}

/// The number of a pepper: the one that it has, or the next one.
async fn pepper(app: &App, key: &Zeroizing<Vec<u8>>) -> Result<Pepper, Error> {
    let mut reader = app.read().await?;
    let (known, bad_rows) = imports::peppers(&mut reader).await?;
    if let Some((number, _)) = known.iter().find(|(_, known)| **known == **key) {
        return Ok(Pepper {
            number: *number,
            key: key.clone(),
            is_new: false,
        });
    }
    let bad = bad_rows.iter().filter_map(|row| row.id.parse().ok());
    let last = known.iter().map(|(number, _)| *number).chain(bad).max();
    let number = last.unwrap_or_default() + 1;
    if usize::from(number) > PEPPERS_MAX {
        let message = format!(
            "There are {PEPPERS_MAX} peppers of imported keys already, which is the most: each \
             one costs a hash for every key that is unknown."
        );
        return Err(Error::conflict(message));
    }
    Ok(Pepper {
        number,
        key: key.clone(),
        is_new: true,
    })
}
