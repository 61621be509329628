//! Keys that were made elsewhere: found by their whole text, because there is no identifier in it.
//!
//! 1. One that was seen before has our own keyed hash, from which its identifier is made.
//! 2. One that was not has a digest of another system's, by which it is looked up: one digest for
//!    each algorithm that is in use.
//! 3. A hash with a salt can only be tried. That takes too long for a decision: whoever decides
//!    asks for the candidates, tries them elsewhere and says which one was right.
//!
//! What is kept here says whose a key is, and nothing of what it may do: that is the entry's, which
//! the key's row makes. As long as there is nothing here, a key that is unknown costs one look at a
//! flag.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use aws_lc_rs::{digest, hmac};
use claviger_model::ids::SecretId;
use claviger_model::imports::{FOREIGN_KEY_LENGTH_MAX, ForeignHash, HashAlgorithm, ImportedHash};
use claviger_model::keyring::{Mac, macs_equal};
use claviger_model::secret::Lookup;

use crate::decide::Verifier;
use crate::entries::Credential;
use crate::index::Index;

/// The longest digest; shorter ones end in zeros.
const DIGEST_BYTES: usize = 64;

/// How many hashes are tried for one key at most.
const CANDIDATES_MAX: usize = 16;

/// Of which kind a digest is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Kind {
    Sha256,
    Sha512,
    /// Under the pepper with this number.
    Hmac(u8),
}

type Digest = [u8; DIGEST_BYTES];

/// A digest that was brought along, and whose it is.
#[derive(Debug)]
struct Known {
    digest: Digest,
    placeholder: Lookup,
}

/// A hash with a salt, which has to be tried.
#[derive(Clone, Debug)]
pub struct SlowHash {
    /// The secret that it stands for.
    pub secret_id: SecretId,
    /// bcrypt or argon2.
    pub algorithm: HashAlgorithm,
    /// With its salt and cost.
    pub text: Arc<str>,
    placeholder: Lookup,
}

/// That a text is the key of a slow hash, as our own keyed hash of it.
#[derive(Debug)]
struct Proved {
    hash: Mac,
    placeholder: Lookup,
}

/// Where something of a secret is held, to take it away again.
#[derive(Debug)]
enum Held {
    Digest(Kind, u128),
    Slow {
        lead: Box<str>,
        proved: OnceLock<Lookup>,
    },
}

/// A pepper of HMAC-SHA-256.
#[derive(Debug)]
struct Pepper {
    number: u8,
    key: hmac::Key,
}

/// What the index knows of keys that were made elsewhere.
#[derive(Debug, Default)]
pub struct Imported {
    /// Whether there has been anything at all.
    is_used: AtomicBool,
    /// Whether there has been a key with our own hash.
    has_own: AtomicBool,
    /// By kind and the start of the digest.
    digests: papaya::HashMap<(Kind, u128), Known>,
    sha256: AtomicUsize,
    sha512: AtomicUsize,
    hmac: AtomicUsize,
    peppers: ArcSwap<Vec<Pepper>>,
    /// By the leading part of the key.
    slow: papaya::HashMap<Box<str>, Arc<[SlowHash]>>,
    /// Bit `n`: there has been a leading part of `n` bytes.
    lead_lengths: AtomicU64,
    /// Counts slow hashes that came, so that what failed once may be tried again.
    generation: AtomicU64,
    proved: papaya::HashMap<Lookup, Proved>,
    held: papaya::HashMap<SecretId, Held>,
}

impl Imported {
    /// Whether there is nothing to look in.
    fn is_unused(&self) -> bool {
        !self.is_used.load(Ordering::Acquire)
    }

    /// Says that there is a key with a hash of our own.
    pub(crate) fn note_own(&self) {
        self.has_own.store(true, Ordering::Release);
        self.is_used.store(true, Ordering::Release);
    }

    /// Holds what was brought along for a key, unless that was erased.
    pub(crate) fn put(&self, row: &ImportedHash) {
        let Some(hash) = &row.hash else {
            self.remove(row.secret_id);
            return;
        };
        if self.held.pin().contains_key(&row.secret_id) {
            return;
        }
        let held = match hash {
            ForeignHash::Slow { text, lead, .. } => self.put_slow(row, text, lead),
            ForeignHash::Sha256(digest) => self.put_digest(row, Kind::Sha256, digest),
            ForeignHash::Sha512(digest) => self.put_digest(row, Kind::Sha512, digest),
            ForeignHash::HmacSha256(digest, pepper) => {
                self.put_digest(row, Kind::Hmac(*pepper), digest)
            }
        };
        self.held.pin().insert(row.secret_id, held);
        self.is_used.store(true, Ordering::Release);
    }

    /// Forgets what was brought along for a key.
    pub(crate) fn remove(&self, id: SecretId) {
        let held = self.held.pin();
        match held.remove(&id) {
            None => {}
            Some(Held::Digest(kind, start)) => {
                self.digests.pin().remove(&(*kind, *start));
                self.count(*kind).fetch_sub(1, Ordering::AcqRel);
            }
            Some(Held::Slow { lead, proved }) => {
                let slow = self.slow.pin();
                let before = slow.get(lead).into_iter().flat_map(|all| all.iter());
                let left: Arc<[SlowHash]> =
                    before.filter(|one| one.secret_id != id).cloned().collect();
                if left.is_empty() {
                    slow.remove(lead);
                } else {
                    slow.insert(lead.clone(), left);
                }
                if let Some(lookup) = proved.get() {
                    self.proved.pin().remove(lookup);
                }
            }
        }
    }

    /// Replaces the peppers, by their numbers.
    pub(crate) fn set_peppers(&self, peppers: &[(u8, impl AsRef<[u8]>)]) {
        let pepper = |(number, key): &(u8, _)| Pepper {
            number: *number,
            key: hmac::Key::new(hmac::HMAC_SHA256, AsRef::<[u8]>::as_ref(key)),
        };
        self.peppers
            .store(Arc::new(peppers.iter().map(pepper).collect()));
    }

    /// For how many keys it holds what was brought along.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Counts slow hashes that came.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The slow hashes that may be this key's, by what it starts with; none for most keys.
    pub fn candidates(&self, credential: &str) -> Vec<SlowHash> {
        let mut found = Vec::new();
        if self.is_unused() || credential.len() > FOREIGN_KEY_LENGTH_MAX {
            return found;
        }
        let mut lengths = self.lead_lengths.load(Ordering::Acquire);
        let slow = self.slow.pin();
        while lengths != 0 {
            let length = lengths.trailing_zeros() as usize;
            lengths &= lengths - 1;
            let same = credential.get(..length).and_then(|lead| slow.get(lead));
            found.extend(same.into_iter().flat_map(|all| all.iter().cloned()));
        }
        found.truncate(CANDIDATES_MAX);
        found
    }

    /// Says that a text with this keyed hash is the key of `candidate`: from now on it is known
    /// at once. It is forgotten with the candidate.
    pub fn prove(&self, candidate: &SlowHash, lookup: Lookup, hash: Mac) {
        let held = self.held.pin();
        let Some(Held::Slow { proved, .. }) = held.get(&candidate.secret_id) else {
            return;
        };
        if proved.set(lookup).is_ok() {
            let placeholder = candidate.placeholder;
            self.proved
                .pin()
                .insert(lookup, Proved { hash, placeholder });
            self.note_own();
        }
    }

    fn put_digest(&self, row: &ImportedHash, kind: Kind, bytes: &[u8]) -> Held {
        let digest = padded(bytes);
        let start = start(&digest);
        let known = Known {
            digest,
            placeholder: row.placeholder,
        };
        self.digests.pin().insert((kind, start), known);
        self.count(kind).fetch_add(1, Ordering::AcqRel);
        Held::Digest(kind, start)
    }

    fn put_slow(&self, row: &ImportedHash, text: &str, lead: &str) -> Held {
        let one = SlowHash {
            secret_id: row.secret_id,
            algorithm: row.algorithm,
            text: text.into(),
            placeholder: row.placeholder,
        };
        let slow = self.slow.pin();
        let before = slow
            .get(lead)
            .into_iter()
            .flat_map(|all| all.iter().cloned());
        let all: Arc<[SlowHash]> = before.chain([one]).collect();
        slow.insert(lead.into(), all);
        self.lead_lengths.fetch_or(
            1u64.checked_shl(length(lead)).unwrap_or(0),
            Ordering::AcqRel,
        );
        self.generation.fetch_add(1, Ordering::AcqRel);
        Held::Slow {
            lead: lead.into(),
            proved: OnceLock::new(),
        }
    }

    fn count(&self, kind: Kind) -> &AtomicUsize {
        match kind {
            Kind::Sha256 => &self.sha256,
            Kind::Sha512 => &self.sha512,
            Kind::Hmac(_) => &self.hmac,
        }
    }

    /// Whose the digests of a text are. Does not allocate.
    fn find(&self, credential: &str) -> Option<Lookup> {
        let text = credential.as_bytes();
        let is_used = |count: &AtomicUsize| count.load(Ordering::Acquire) > 0;
        let sha =
            |algorithm, kind| self.known(kind, &padded(digest::digest(algorithm, text).as_ref()));
        if is_used(&self.sha256)
            && let Some(found) = sha(&digest::SHA256, Kind::Sha256)
        {
            return Some(found);
        }
        if is_used(&self.sha512)
            && let Some(found) = sha(&digest::SHA512, Kind::Sha512)
        {
            return Some(found);
        }
        if !is_used(&self.hmac) {
            return None;
        }
        self.peppers.load().iter().find_map(|pepper| {
            let tag = hmac::sign(&pepper.key, text);
            self.known(Kind::Hmac(pepper.number), &padded(tag.as_ref()))
        })
    }

    fn known(&self, kind: Kind, digest: &Digest) -> Option<Lookup> {
        let digests = self.digests.pin();
        let known = digests.get(&(kind, start(digest)))?;
        let is_equal = aws_lc_rs::constant_time::verify_slices_are_equal(digest, &known.digest);
        is_equal.is_ok().then_some(known.placeholder)
    }

    fn proved(&self, lookup: Lookup, hash: &Mac) -> Option<Lookup> {
        let proved = self.proved.pin();
        let proved = proved.get(&lookup)?;
        macs_equal(hash, &proved.hash).then_some(proved.placeholder)
    }
}

impl Verifier {
    /// The entry of a key that was made elsewhere. Does not allocate.
    pub(crate) fn imported_entry(&self, index: &Index, credential: &str) -> Option<Credential> {
        let imported = index.imported();
        if imported.is_unused() || credential.len() > FOREIGN_KEY_LENGTH_MAX {
            return None;
        }
        self.own_entry(index, credential).or_else(|| {
            let placeholder = imported.find(credential)?;
            // Its own hash may have come this very moment, and the placeholder gone with it.
            let found = index.find(placeholder);
            found.or_else(|| self.own_entry(index, credential))
        })
    }

    /// The entry of a key that was seen before.
    fn own_entry(&self, index: &Index, credential: &str) -> Option<Credential> {
        let imported = index.imported();
        if !imported.has_own.load(Ordering::Acquire) {
            return None;
        }
        self.keyring().versions().find_map(|version| {
            let hash = self.keyring().hash_secret(version, credential)?;
            let lookup = Lookup::derived(&hash);
            let entry = index.find(lookup);
            let entry = entry.filter(|entry| macs_equal(&hash, entry.hash()));
            entry.or_else(|| index.find(imported.proved(lookup, &hash)?))
        })
    }
}

fn padded(bytes: &[u8]) -> Digest {
    let mut digest = [0; DIGEST_BYTES];
    for (slot, byte) in digest.iter_mut().zip(bytes) {
        *slot = *byte;
    }
    digest
}

fn start(digest: &Digest) -> u128 {
    let start = digest.first_chunk().copied();
    u128::from_be_bytes(start.unwrap_or_default())
}

fn length(lead: &str) -> u32 {
    u32::try_from(lead.len()).unwrap_or(u32::MAX)
}
