//! `claviger audit verify FILE`: needs no store and no server.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use claviger_model::audit::checkpoint::CheckpointKey;
use claviger_model::audit::evidence::{Entry, Examiner, Flaw, Verdict};
use serde_json::{Deserializer, json};

use super::progress::Progress;
use crate::exit::{Exit, Failure};
use crate::screen::{Screen, time};

/// Bytes read at once.
const BUFFER_BYTES: usize = 1024 * 1024;
/// The longest key file that is read, in bytes.
const KEY_BYTES_MAX: u64 = 64 * 1024;
const HINT_KEY: &str = "the operator publishes it at /.well-known/claviger-audit-keys.json, and \
                        `claviger audit key` prints it; keep a copy from before";

/// What was found: the number of the entry, from one, and what is wrong with it.
struct Found {
    entry: u64,
    flaw: Flaw,
}

/// Checks a file.
pub(super) async fn run(
    file: PathBuf,
    keys: Vec<String>,
    kept: Vec<PathBuf>,
    screen: Screen,
) -> Result<Exit, Failure> {
    let work = move || examine(&file, &keys, &kept, screen);
    let examined = tokio::task::spawn_blocking(work).await;
    examined.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?
}

fn examine(
    file: &Path,
    keys: &[String],
    kept: &[PathBuf],
    screen: Screen,
) -> Result<Exit, Failure> {
    let trusted = trusted(keys)?;
    let mut examiner = Examiner::new(trusted);
    let mut progress = Progress::start()?;
    for checkpoints in kept {
        let opened = progress.watch(checkpoints, open(checkpoints)?);
        if let Some(found) = take_all(&mut examiner, opened, checkpoints, &mut progress)? {
            return refused(&found, checkpoints, screen);
        }
    }
    let opened = progress.watch(file, open(file)?);
    if let Some(found) = take_all(&mut examiner, opened, file, &mut progress)? {
        return refused(&found, file, screen);
    }
    match examiner.finish() {
        Ok(verdict) => told(&verdict, screen),
        Err(flaw) => refused(&Found { entry: 0, flaw }, file, screen),
    }
}

/// The keys that arguments name, by their line or by a file.
fn trusted(arguments: &[String]) -> Result<Vec<CheckpointKey>, Failure> {
    let mut keys = Vec::new();
    for argument in arguments {
        if let Some(key) = CheckpointKey::parse(argument) {
            keys.push(key);
            continue;
        }
        let mut text = String::new();
        let opened = open(Path::new(argument))?;
        opened
            .take(KEY_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(|error| Failure::new(Exit::Usage, format!("{argument}: {error}")))?;
        let found = CheckpointKey::all_in(&text);
        if found.is_empty() {
            let message = format!("there is no key of checkpoints in {argument}");
            return Err(Failure::new(Exit::Usage, message).hint(HINT_KEY));
        }
        keys.extend(found);
    }
    if keys.is_empty() {
        let message = "say with --key which key you trust";
        return Err(Failure::new(Exit::Usage, message).hint(HINT_KEY));
    }
    Ok(keys)
}

fn open(file: &Path) -> Result<Box<dyn Read>, Failure> {
    if file == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    let opened = File::open(file).map_err(|error| {
        let message = format!("{} cannot be read: {error}", file.display());
        Failure::new(Exit::NotFound, message)
    })?;
    Ok(Box::new(opened))
}

/// Takes every entry of a file; the first one that is wrong.
fn take_all(
    examiner: &mut Examiner,
    opened: impl Read,
    file: &Path,
    progress: &mut Progress,
) -> Result<Option<Found>, Failure> {
    let reader = BufReader::with_capacity(BUFFER_BYTES, opened);
    let entries = Deserializer::from_reader(reader).into_iter::<Entry>();
    for (entry, read) in (1..).zip(entries) {
        progress.show(entry);
        let read = read.inspect_err(|_| progress.clear()).map_err(|error| {
            let message = format!(
                "entry {entry} of {} is no event and no checkpoint: {error}",
                file.display()
            );
            let hint = "the file was cut off or changed, or is no export of the audit log";
            Failure::new(Exit::Failed, message).hint(hint)
        })?;
        if let Err(flaw) = examiner.take(read) {
            progress.clear();
            return Ok(Some(Found { entry, flaw }));
        }
    }
    progress.clear();
    Ok(None)
}

fn refused(found: &Found, file: &Path, screen: Screen) -> Result<Exit, Failure> {
    let Found { entry, flaw } = found;
    if screen.is_json {
        let report = json!({"intact": false, "seq": flaw.seq(), "entry": entry,
            "why": flaw.to_string()});
        screen.data(&report.to_string())?;
    }
    let place = match (flaw.seq(), entry) {
        (Some(seq), _) => format!(", from event {seq} on"),
        (None, 0) => String::new(),
        (None, entry) => format!(", at its entry {entry}"),
    };
    let message = format!("{} does not hold{place}: {flaw}", file.display());
    let hint = match flaw {
        Flaw::Note(_) => "compare the key with the one that you had before",
        _ => "fetch it anew, and compare with one that you kept",
    };
    Err(Failure::new(Exit::Failed, message).hint(hint))
}

fn told(verdict: &Verdict, screen: Screen) -> Result<Exit, Failure> {
    let signed = &verdict.last.checkpoint;
    let key = &verdict.last.key;
    if screen.is_json {
        let report = json!({"intact": true, "events": verdict.events, "whole": verdict.is_whole,
            "checkpoints": verdict.checkpoints, "unsigned": verdict.unsigned,
            "last_checkpoint": {"seq": signed.seq, "at": signed.at, "origin": signed.origin},
            "key": key.to_string(), "key_fingerprint": key.fingerprint()});
        screen.data(&report.to_string())?;
        return Ok(Exit::Done);
    }
    let events = verdict.events;
    let what = if verdict.is_whole {
        format!("intact: {events} events, all from the first one on")
    } else {
        format!(
            "proved: {events} events, each of them in the log; whether others were left out \
                 cannot be seen from here"
        )
    };
    screen.data(&what)?;
    screen.note(&format!(
        "the last of {} checkpoints was signed over event {} of {} at {}",
        verdict.checkpoints,
        signed.seq,
        signed.origin,
        time(signed.at)
    ));
    screen.note(&format!("signed with the key {}", key.fingerprint()));
    if verdict.unsigned > 0 {
        screen.note(&format!(
            "{} events after it are chained to it and not signed yet",
            verdict.unsigned
        ));
    }
    Ok(Exit::Done)
}
