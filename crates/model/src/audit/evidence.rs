//! Checking an export of the audit log, entry by entry, with nothing but the public key that signs
//! checkpoints.
//!
//! An entry is a checkpoint, an event of the whole chain, or an event with its proof. The whole
//! chain has every event from the first one on; an account's export has some events, each with its
//! path to a checkpoint that stands before it.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::checkpoint::{BadNote, CheckpointKey, Signed, open};
use super::tree::{Frontier, parse_hex, root_by_path};
use super::{BrokenChain, ChainHash, ChainVerifier, ChainedEvent, Event, leaf_hash};
use crate::UnixMillis;

/// An entry of an export.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    checkpoint: Option<String>,
    proof: Option<Proof>,
    seq: Option<i64>,
    id: Option<String>,
    at: Option<i64>,
    account_id: Option<String>,
    actor: Option<String>,
    action: Option<String>,
    target: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
    ip: Option<String>,
    request_id: Option<String>,
    salt: Option<String>,
    hash: Option<String>,
}

/// The way from an event to the head of the tree that a checkpoint signs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The checkpoint, by the place of its last event.
    pub checkpoint_seq: u64,
    /// The hashes beside the way up, in hexadecimal, the lowest first.
    pub path: Vec<String>,
}

/// What is wrong with an export.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Flaw {
    /// An entry is neither an event nor a checkpoint.
    #[error("it is neither an event nor a checkpoint: {0}")]
    Malformed(&'static str),
    /// A checkpoint cannot be believed.
    #[error("the checkpoint {0}")]
    Note(#[from] BadNote),
    /// The chain breaks.
    #[error(transparent)]
    Chain(#[from] BrokenChain),
    /// The events are not those that a checkpoint was made of.
    #[error(
        "events {first} to {last} are not those that were signed: at least one of them was \
             changed and the hashes were made anew"
    )]
    OtherEvents {
        /// The first that no checkpoint before it stands for.
        first: i64,
        /// The one that the checkpoint ends with.
        last: u64,
    },
    /// The export ends before a checkpoint.
    #[error("events {first} to {last} are missing: a checkpoint was signed over them")]
    CutOff {
        /// The first that is missing.
        first: i64,
        /// The last.
        last: u64,
    },
    /// A checkpoint comes after later events.
    #[error("the checkpoint of event {seq} comes after event {after}")]
    Late {
        /// The checkpoint's event.
        seq: u64,
        /// The event before it.
        after: i64,
    },
    /// Events with proofs are not in the order of the log.
    #[error("event {seq} comes after event {after}")]
    Order {
        /// The event.
        seq: i64,
        /// The one before it.
        after: i64,
    },
    /// An event does not lead to its checkpoint.
    #[error(
        "event {seq} is not in the log that the checkpoint was made of: it or its proof was \
             changed"
    )]
    NotInLog {
        /// The event.
        seq: i64,
    },
    /// The checkpoint of a proof is not before it.
    #[error("event {seq} needs the checkpoint of event {checkpoint_seq}, which is not before it")]
    NoSuchCheckpoint {
        /// The event.
        seq: i64,
        /// The checkpoint.
        checkpoint_seq: u64,
    },
    /// Nothing is signed.
    #[error("there is no checkpoint in it, so nothing in it is proved")]
    NoCheckpoint,
}

impl Flaw {
    /// The place of the first bad event, where it is about one.
    pub fn seq(&self) -> Option<i64> {
        match self {
            Self::Chain(BrokenChain::Gap { expected, .. }) => Some(*expected),
            Self::Chain(BrokenChain::Changed { seq })
            | Self::Order { seq, .. }
            | Self::NotInLog { seq }
            | Self::NoSuchCheckpoint { seq, .. } => Some(*seq),
            Self::OtherEvents { first, .. } | Self::CutOff { first, .. } => Some(*first),
            Self::Malformed(_) | Self::Note(_) | Self::Late { .. } | Self::NoCheckpoint => None,
        }
    }
}

/// What an export proves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// How many events are in it.
    pub events: u64,
    /// Whether they are all there were, from the first one on.
    pub is_whole: bool,
    /// How many of them come after the last checkpoint, chained to it and not signed.
    pub unsigned: u64,
    /// How many checkpoints were found to be right.
    pub checkpoints: u64,
    /// The last of them.
    pub last: Signed,
}

/// Checks an export while it is read. Its memory grows with the checkpoints, not with the events.
#[derive(Debug)]
pub struct Examiner {
    keys: Vec<CheckpointKey>,
    chain: ChainVerifier,
    tree: Frontier,
    /// Checkpoints whose last event is still to come.
    awaited: BTreeMap<u64, Signed>,
    /// The heads that are signed, by place, for events with proofs.
    signed: HashMap<u64, ChainHash>,
    last: Option<Signed>,
    checkpoints: u64,
    mode: Option<Mode>,
    last_proved: i64,
    events: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Whole,
    Proved,
}

impl Examiner {
    /// One that trusts these keys.
    pub fn new(keys: Vec<CheckpointKey>) -> Self {
        Self {
            keys,
            chain: ChainVerifier::default(),
            tree: Frontier::default(),
            awaited: BTreeMap::new(),
            signed: HashMap::new(),
            last: None,
            checkpoints: 0,
            mode: None,
            last_proved: 0,
            events: 0,
        }
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// What is wrong with it, or with what came before it.
    pub fn take(&mut self, entry: Entry) -> Result<(), Flaw> {
        if let Some(note) = &entry.checkpoint {
            self.checkpoint(note)?;
            if entry == Entry::only(note) {
                return Ok(());
            }
        }
        self.events += 1;
        let (proof, hash) = (entry.proof.clone(), entry.hash.clone());
        let (seq, event) = event(entry)?;
        match (proof, hash) {
            (Some(proof), None) => self.proved(seq, &event, &proof),
            (None, Some(hash)) => {
                let hash = parse_hex(&hash).ok_or(BrokenChain::Changed { seq })?;
                self.chained(&ChainedEvent { seq, event, hash })
            }
            (Some(_), Some(_)) => Err(Flaw::Malformed("it has a proof and a hash")),
            (None, None) => Err(Flaw::Malformed("it has neither a hash nor a proof")),
        }
    }

    /// What the export proves, when nothing comes any more.
    ///
    /// # Errors
    /// Something is missing.
    pub fn finish(self) -> Result<Verdict, Flaw> {
        let (seq, _) = self.chain.head();
        let is_whole = self.mode != Some(Mode::Proved);
        if let (true, Some((last, _))) = (is_whole, self.awaited.last_key_value()) {
            let first = seq + 1;
            return Err(Flaw::CutOff { first, last: *last });
        }
        let last = self.last.ok_or(Flaw::NoCheckpoint)?;
        let signed = if is_whole {
            last.checkpoint.seq
        } else {
            self.events
        };
        Ok(Verdict {
            events: self.events,
            is_whole,
            unsigned: self.events.saturating_sub(signed),
            checkpoints: self.checkpoints,
            last,
        })
    }

    fn checkpoint(&mut self, note: &str) -> Result<(), Flaw> {
        let signed = open(note, &self.keys)?;
        let (seq, at) = (signed.checkpoint.seq, self.chain.head().0);
        self.signed.insert(seq, signed.checkpoint.root);
        if self.mode == Some(Mode::Whole) && place(seq) < at {
            return Err(Flaw::Late { seq, after: at });
        }
        if let Some(other) = self.awaited.insert(seq, signed.clone())
            && other.checkpoint.root != signed.checkpoint.root
        {
            let first = at + 1;
            return Err(Flaw::OtherEvents { first, last: seq });
        }
        if self.mode == Some(Mode::Whole) {
            return self.reach();
        }
        let is_later = |last: &Signed| last.checkpoint.seq < seq;
        if self.last.as_ref().is_none_or(is_later) {
            self.last = Some(signed);
        }
        self.checkpoints = self.signed.len() as u64;
        Ok(())
    }

    /// Compares the events so far with the checkpoint that ends here.
    fn reach(&mut self) -> Result<(), Flaw> {
        let (at, hash) = self.chain.head();
        let Some(signed) = self.awaited.remove(&self.tree.size()) else {
            return Ok(());
        };
        let checkpoint = &signed.checkpoint;
        if checkpoint.root != self.tree.root() || checkpoint.chain != hash {
            let before = self.last.as_ref().map_or(0, |last| last.checkpoint.seq);
            let first = place(before) + 1;
            return Err(Flaw::OtherEvents {
                first: first.min(at),
                last: checkpoint.seq,
            });
        }
        let before = self.last.replace(signed);
        let is_new = before.map(|last| last.checkpoint.seq) != Some(self.tree.size());
        self.checkpoints += u64::from(is_new);
        Ok(())
    }

    fn chained(&mut self, event: &ChainedEvent) -> Result<(), Flaw> {
        match self.mode {
            Some(Mode::Proved) => return Err(Flaw::Malformed("it has no proof, as others have")),
            Some(Mode::Whole) => {}
            None => {
                self.mode = Some(Mode::Whole);
                // What came before the first event is still to be reached.
                (self.last, self.checkpoints) = (None, 0);
            }
        }
        self.tree.push(self.chain.follow(event)?);
        self.reach()
    }

    fn proved(&mut self, seq: i64, event: &Event, proof: &Proof) -> Result<(), Flaw> {
        if self.mode == Some(Mode::Whole) {
            return Err(Flaw::Malformed("it has a proof, and others have none"));
        }
        self.mode = Some(Mode::Proved);
        if seq <= self.last_proved {
            let after = self.last_proved;
            return Err(Flaw::Order { seq, after });
        }
        self.last_proved = seq;
        let size = proof.checkpoint_seq;
        let root = self.signed.get(&size).ok_or(Flaw::NoSuchCheckpoint {
            seq,
            checkpoint_seq: size,
        })?;
        let path: Option<Vec<ChainHash>> = proof.path.iter().map(|text| parse_hex(text)).collect();
        let index = u64::try_from(seq).ok().and_then(|seq| seq.checked_sub(1));
        let found = path
            .zip(index)
            .and_then(|(path, index)| root_by_path(&leaf_hash(seq, event), index, size, &path));
        if found.as_ref() == Some(root) {
            return Ok(());
        }
        Err(Flaw::NotInLog { seq })
    }
}

impl Entry {
    fn only(note: &str) -> Self {
        Self {
            checkpoint: Some(note.to_owned()),
            ..Self::default()
        }
    }
}

/// The place of the last event of a checkpoint.
fn place(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn event(entry: Entry) -> Result<(i64, Event), Flaw> {
    let missing = Flaw::Malformed("a member is missing");
    let seq = entry.seq.ok_or(missing.clone())?;
    // A text that is none of ours is one that was changed.
    let changed = || Flaw::Chain(BrokenChain::Changed { seq });
    let id_text = entry.id.ok_or(missing.clone())?;
    let id = parsed(&id_text).ok_or_else(changed)?;
    let account = entry
        .account_id
        .map(|text| parsed(&text).ok_or_else(changed));
    let mut salt = [0; 16];
    unhex(&entry.salt.ok_or(missing.clone())?, &mut salt).ok_or_else(changed)?;
    let event = Event {
        id,
        at: UnixMillis(entry.at.ok_or(missing.clone())?),
        account_id: account.transpose()?,
        actor: entry.actor.ok_or(missing.clone())?,
        action: entry.action.ok_or(missing.clone())?,
        target: entry.target.ok_or(missing)?,
        before: entry.before,
        after: entry.after,
        ip: entry.ip,
        request_id: entry.request_id,
        salt,
    };
    Ok((seq, event))
}

/// An id from its one form.
fn parsed<T: std::str::FromStr + std::fmt::Display>(text: &str) -> Option<T> {
    let id: T = text.parse().ok()?;
    (id.to_string() == text).then_some(id)
}

/// Bytes from their one hexadecimal form.
pub(super) fn unhex(text: &str, bytes: &mut [u8]) -> Option<()> {
    let digits = text.as_bytes();
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    for (slot, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *slot = 16 * digit(pair[0])? + digit(pair[1])?;
    }
    Some(())
}

#[cfg(test)]
mod tests;
