//! Checkpoints: what the log was at a time, signed with a key of its own.
//!
//! A checkpoint is a signed note over a tree head, in the public formats of transparency logs
//! (C2SP `tlog-checkpoint` and `signed-note`), so that other programs can check and keep them too.
//! The public half of the key is one line, `<name>+<hash>+<key>`, as these formats have it.

use std::fmt;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{ChainHash, sha256};
use crate::UnixMillis;
use crate::keyring::Keyring;

/// How formats of signed notes name Ed25519.
const ED25519_KIND: u8 = 1;
/// What a signature line starts with.
const SIGNATURE_START: &str = "\u{2014} ";
/// The longest note that is read, in bytes: ours have some 300.
const NOTE_BYTES_MAX: usize = 16 * 1024;

/// What a checkpoint says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Which log it is of.
    pub origin: String,
    /// The place of its last event: how many events it stands for.
    pub seq: u64,
    /// The head of the tree over them.
    pub root: ChainHash,
    /// The hash of the last one in the chain.
    pub chain: ChainHash,
    /// When it was made.
    pub at: UnixMillis,
}

/// The public half of a key that signs checkpoints, under the name of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckpointKey {
    /// The log's.
    pub name: String,
    /// The key, of Ed25519.
    pub public: [u8; 32],
}

/// A checkpoint whose signature was found to be right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// By which of the keys.
    pub key: CheckpointKey,
}

/// Why a note is no checkpoint that can be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadNote {
    /// It is no note, or not over a checkpoint.
    #[error("is no signed checkpoint")]
    Shape,
    /// None of its signatures names a key that is trusted.
    #[error("is signed by a key that is not the trusted one")]
    UnknownKey,
    /// The signature by a trusted key is wrong.
    #[error("has a wrong signature")]
    Signature,
}

/// The name of the log of the instance with this public URL: the URL without its scheme.
pub fn origin(public_url: &str) -> String {
    let bare = public_url
        .split_once("://")
        .map_or(public_url, |(_, rest)| rest);
    // A name has neither spaces nor a plus.
    let bare = bare.trim_end_matches('/').replace(['+', ' '], "-");
    format!("{bare}/audit")
}

impl Checkpoint {
    /// The text that is signed.
    fn text(&self) -> String {
        let hex = Hex(&self.chain);
        let (origin, seq, root) = (&self.origin, self.seq, STANDARD.encode(self.root));
        format!("{origin}\n{seq}\n{root}\nchain {hex}\ntime {}\n", self.at.0)
    }

    /// The signed note, by the current key of `keyring`.
    pub fn sign(&self, keyring: &Keyring) -> String {
        let text = self.text();
        let key = CheckpointKey {
            name: self.origin.clone(),
            public: keyring.checkpoint_key(),
        };
        let signature = keyring.sign_checkpoint(text.as_bytes());
        let signed = STANDARD.encode([&key.hash()[..], &signature].concat());
        format!("{text}\n{SIGNATURE_START}{} {signed}\n", key.name)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let checkpoint = Self {
            origin: lines.next()?.to_owned(),
            seq: lines.next()?.parse().ok()?,
            root: STANDARD.decode(lines.next()?).ok()?.try_into().ok()?,
            chain: super::tree::parse_hex(lines.next()?.strip_prefix("chain ")?)?,
            at: UnixMillis(lines.next()?.strip_prefix("time ")?.parse().ok()?),
        };
        // Nothing is left over, and every number has its one form.
        (lines.next().is_none() && checkpoint.text() == text).then_some(checkpoint)
    }
}

/// The checkpoint of a note that one of `keys` signed. Keys are known by themselves, whatever the
/// log was called when they signed.
pub fn open(note: &str, keys: &[CheckpointKey]) -> Result<Signed, BadNote> {
    if note.len() > NOTE_BYTES_MAX {
        return Err(BadNote::Shape);
    }
    let (text, signatures) = note.split_once("\n\n").ok_or(BadNote::Shape)?;
    let text = format!("{text}\n");
    let checkpoint = Checkpoint::parse(&text).ok_or(BadNote::Shape)?;
    let signatures = signatures.strip_suffix('\n').ok_or(BadNote::Shape)?;
    for line in signatures.split('\n') {
        let (name, hash, signature) = signature_line(line).ok_or(BadNote::Shape)?;
        if name != checkpoint.origin {
            // A witness may have signed too.
            continue;
        }
        let named = keys.iter().find_map(|key| {
            let key = CheckpointKey {
                name: name.to_owned(),
                public: key.public,
            };
            (key.hash() == hash).then_some(key)
        });
        if let Some(key) = named {
            let public = UnparsedPublicKey::new(&ED25519, key.public);
            return match public.verify(text.as_bytes(), &signature) {
                Ok(()) => Ok(Signed { checkpoint, key }),
                Err(_) => Err(BadNote::Signature),
            };
        }
    }
    Err(BadNote::UnknownKey)
}

/// The name, the key's hash and the signature of a signature line.
fn signature_line(line: &str) -> Option<(&str, [u8; 4], Vec<u8>)> {
    let (name, signed) = line.strip_prefix(SIGNATURE_START)?.split_once(' ')?;
    let signed = STANDARD.decode(signed).ok()?;
    let (hash, signature) = signed.split_first_chunk::<4>()?;
    Some((name, *hash, signature.to_vec()))
}

impl CheckpointKey {
    /// The key of a line `<name>+<hash>+<key>`; none when it is no such line.
    pub fn parse(line: &str) -> Option<Self> {
        let (name, rest) = line.trim().split_once('+')?;
        let (hash, key) = rest.split_once('+')?;
        let bytes = STANDARD.decode(key).ok()?;
        let (&ED25519_KIND, public) = bytes.split_first()? else {
            return None;
        };
        let key = Self {
            name: name.to_owned(),
            public: public.try_into().ok()?,
        };
        (key.hash_text() == hash && !name.is_empty()).then_some(key)
    }

    /// The keys of a text: lines of that form, among which others may be, as in a comment or in the
    /// JSON document that a server publishes.
    pub fn all_in(text: &str) -> Vec<Self> {
        let is_between = |letter: char| letter.is_whitespace() || letter == '"' || letter == ',';
        text.split(is_between).filter_map(Self::parse).collect()
    }

    /// What people compare: SHA-256 of the key, in base64 as SSH shows it.
    pub fn fingerprint(&self) -> String {
        let hash = sha256(&[&self.public]);
        let text = STANDARD.encode(hash);
        format!("SHA256:{}", text.trim_end_matches('='))
    }

    fn hash(&self) -> [u8; 4] {
        let hash = sha256(&[self.name.as_bytes(), b"\n", &[ED25519_KIND], &self.public]);
        [hash[0], hash[1], hash[2], hash[3]]
    }

    fn hash_text(&self) -> String {
        Hex(&self.hash()).to_string()
    }
}

impl fmt::Display for CheckpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[ED25519_KIND][..], &self.public].concat());
        write!(f, "{}+{}+{key}", self.name, self.hash_text())
    }
}

/// Bytes in hexadecimal.
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::master_key_line;

    fn keyring(fill: u8) -> Keyring {
        Keyring::parse(&master_key_line(1, &[fill; 32])).expect("a line")
    }

    fn key(keyring: &Keyring) -> CheckpointKey {
        CheckpointKey {
            name: "keys.example.com/audit".to_owned(),
            public: keyring.checkpoint_key(),
        }
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            origin: origin("https://keys.example.com/"),
            seq: 42,
            root: [3; 32],
            chain: [4; 32],
            at: UnixMillis(1_795_347_605_000),
        }
    }

    #[test]
    fn a_signed_checkpoint_is_read_back_and_no_byte_of_it_can_differ() {
        let keys = keyring(7);
        let note = checkpoint().sign(&keys);
        let trusted = [key(&keys)];
        let signed = open(&note, &trusted).expect("its own signature");
        assert_eq!(signed.checkpoint, checkpoint());
        assert_eq!(open(&note, &[key(&keyring(8))]), Err(BadNote::UnknownKey));
        assert_eq!(open(&note, &[]), Err(BadNote::UnknownKey));
        for at in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(open(&changed, &trusted).is_err(), "{at}: {changed}");
            }
            if note.is_char_boundary(at) {
                assert!(open(&note[..at], &trusted).is_err(), "cut at {at}");
            }
        }
    }

    #[test]
    fn a_key_has_one_line() {
        // The example of the Go module golang.org/x/mod/sumdb/note.
        let line = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let known = CheckpointKey::parse(line).expect("a key");
        assert_eq!(
            (known.to_string().as_str(), known.name.as_str()),
            (line, "PeterNeumann")
        );
        assert_eq!(CheckpointKey::parse(&line.replace("c74", "c75")), None);
        assert_eq!(CheckpointKey::parse("+c74f20a3+ARpc"), None);
        let document = format!("{{\"keys\":[{{\"text\":\"{line}\",\"current\":true}}]}}");
        assert_eq!(
            CheckpointKey::all_in(&document),
            std::slice::from_ref(&known)
        );
        assert_eq!(
            CheckpointKey::all_in(&format!("# mine\n{line}\n\n")),
            [known]
        );
    }
}
