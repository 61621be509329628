//! Everything that is derived from the master key: peppers, row seals, the key-encryption key, the
//! key that signs checkpoints of the audit log.
//!
//! The master key lives in a file or in the environment, never in the database. Each use has its
//! own key, derived by HKDF-SHA-256 (RFC 5869) with the use as `info`, so that no two uses share
//! one. Several versions may be live: the highest one signs, the others still verify.

use std::fmt;

use ::hmac::{Hmac, KeyInit as _, Mac as _};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use aws_lc_rs::{hkdf, hmac};
use polyval::Polyval;
use polyval::universal_hash::UniversalHash as _;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::seal::{Columns, Sealed};

/// Bytes of a master key.
pub const MASTER_KEY_BYTES: usize = 32;
const LINE_PREFIX: &str = "claviger-master-key";

/// A keyed hash of a secret, of a row or of a check value.
pub type Mac = [u8; 32];

/// Why a master key text or a ciphertext is not accepted. Never carries key material.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyringError {
    /// The text is not of the form that [`master_key_line`] writes.
    #[error("line {line}: not a master key; a line is `{LINE_PREFIX}:<version>:<64 hex digits>`")]
    Line {
        /// Counted from one.
        line: usize,
    },
    /// A version stands twice.
    #[error("line {line}: version {version} stands twice")]
    Twice {
        /// Counted from one.
        line: usize,
        /// The repeated version.
        version: u8,
    },
    /// No line at all.
    #[error("holds no master key")]
    Empty,
    /// The ciphertext was made with another key or changed since.
    #[error("cannot be decrypted with this master key")]
    Decrypt,
}

/// One version's derived keys.
struct Version {
    number: u8,
    /// HMAC-SHA-256 with the key already taken in, which is copied for each secret: a third of the
    /// time of the library that does everything else here, and this runs for every request.
    pepper: Hmac<Sha256>,
    /// POLYVAL (RFC 8452 section 3) with its key already taken in.
    tokens: Polyval,
    row: hmac::Key,
    encryption: Zeroizing<[u8; 32]>,
    backup: Zeroizing<[u8; 32]>,
    checkpoints: Ed25519KeyPair,
    checkpoint_key: [u8; 32],
    check: Mac,
}

/// The derived keys of every live master key version, the newest first.
pub struct Keyring {
    versions: Vec<Version>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} versions)", self.versions.len())
    }
}

/// The line of a master key file for `key`, without a line end.
pub fn master_key_line(version: u8, key: &[u8; MASTER_KEY_BYTES]) -> Zeroizing<String> {
    let mut line = Zeroizing::new(format!("{LINE_PREFIX}:{version}:"));
    for byte in key {
        for half in [byte >> 4, byte & 15] {
            line.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
    }
    line
}

impl Keyring {
    /// Reads a master key file: one line a version, empty lines and `#` comments allowed.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let mut versions: Vec<Version> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (number, key) = parse_line(line).ok_or(KeyringError::Line { line: line_number })?;
            if versions.iter().any(|version| version.number == number) {
                return Err(KeyringError::Twice {
                    line: line_number,
                    version: number,
                });
            }
            versions.push(derive(number, &key).ok_or(KeyringError::Line { line: line_number })?);
        }
        if versions.is_empty() {
            return Err(KeyringError::Empty);
        }
        versions.sort_by_key(|version| std::cmp::Reverse(version.number));
        Ok(Self { versions })
    }

    /// The version that hashes new secrets and seals new rows.
    pub fn current_version(&self) -> u8 {
        self.versions[0].number
    }

    /// Each version with its check value: the database keeps it so that a wrong master key is
    /// noticed at start instead of refusing every credential.
    pub fn checks(&self) -> impl Iterator<Item = (u8, Mac)> + '_ {
        self.versions
            .iter()
            .map(|version| (version.number, version.check))
    }

    /// Every live version, the newest first.
    pub fn versions(&self) -> impl Iterator<Item = u8> + '_ {
        self.versions.iter().map(|version| version.number)
    }

    /// The keyed hash of a secret under pepper `version`; `None` when that version is not live.
    /// Does not allocate.
    pub fn hash_secret(&self, version: u8, secret: &str) -> Option<Mac> {
        Some(peppered(&self.version(version)?.pepper, secret))
    }

    /// The keyed hash of a secret under the current pepper.
    pub fn hash_new_secret(&self, secret: &str) -> (u8, Mac) {
        let current = &self.versions[0];
        (current.number, peppered(&current.pepper, secret))
    }

    /// A digest of an access token, for tables in memory alone. Without the key nobody can make two
    /// texts with the same one but by guessing 120 bits, as long as no digest is ever shown: it is
    /// a universal hash and three times as fast as SHA-256. Does not allocate.
    pub fn token_digest(&self, token: &str) -> [u8; 16] {
        let mut hash = self.versions[0].tokens.clone();
        hash.update_padded(token.as_bytes());
        let mut length = polyval::Block::default();
        length[..8].copy_from_slice(&(token.len() as u64).to_le_bytes());
        hash.update(&[length]);
        hash.finalize().into()
    }

    /// The seal of a row: the version and a MAC over the table's name and all columns.
    pub fn seal<T: Sealed>(&self, row: &T) -> Vec<u8> {
        let current = &self.versions[0];
        let mut seal = vec![current.number];
        seal.extend_from_slice(&tag(&current.row, &canonical(row)));
        seal
    }

    /// Whether `seal` was made by this keyring for exactly this row.
    pub fn is_sealed<T: Sealed>(&self, row: &T, seal: &[u8]) -> bool {
        let Some((number, mac)) = seal.split_first() else {
            return false;
        };
        self.version(*number)
            .is_some_and(|version| hmac::verify(&version.row, &canonical(row), mac).is_ok())
    }

    /// Encrypts under the current key-encryption key, bound to `context` (AES-256-GCM). The nonce
    /// has to be fresh and random.
    pub fn encrypt(
        &self,
        context: &[u8],
        nonce: [u8; 12],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, KeyringError> {
        let current = &self.versions[0];
        let key = context_key(current, context).ok_or(KeyringError::Decrypt)?;
        let mut buffer = plaintext.to_vec();
        let sealed = key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(context),
            &mut buffer,
        );
        if sealed.is_err() {
            buffer.zeroize();
            return Err(KeyringError::Decrypt);
        }
        let mut out = Vec::with_capacity(1 + nonce.len() + buffer.len());
        out.push(current.number);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&buffer);
        Ok(out)
    }

    /// Reverses [`Keyring::encrypt`] for the same context.
    pub fn decrypt(
        &self,
        context: &[u8],
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let (number, rest) = ciphertext.split_first().ok_or(KeyringError::Decrypt)?;
        let (nonce, body) = rest
            .split_first_chunk::<12>()
            .ok_or(KeyringError::Decrypt)?;
        let version = self.version(*number).ok_or(KeyringError::Decrypt)?;
        let key = context_key(version, context).ok_or(KeyringError::Decrypt)?;
        let mut buffer = Zeroizing::new(body.to_vec());
        let length = key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(context),
                &mut buffer,
            )
            .map_err(|_| KeyringError::Decrypt)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }

    /// The key of one backup, by master key version and salt; none when the version is not live.
    pub(crate) fn backup_key(&self, version: u8, salt: &[u8; 32]) -> Option<LessSafeKey> {
        let key = expand(self.version(version)?.backup.as_slice(), salt)?;
        Some(LessSafeKey::new(
            UnboundKey::new(&AES_256_GCM, key.as_slice()).ok()?,
        ))
    }

    /// The signature over a checkpoint of the audit log, by Ed25519 with a key for this alone.
    pub fn sign_checkpoint(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.versions[0].checkpoints.sign(message).as_ref());
        signature
    }

    /// The public half of the key that signs checkpoints now.
    pub fn checkpoint_key(&self) -> [u8; 32] {
        self.versions[0].checkpoint_key
    }

    /// The public halves of the keys that sign and have signed checkpoints, the current one first.
    pub fn checkpoint_keys(&self) -> impl Iterator<Item = [u8; 32]> + '_ {
        self.versions.iter().map(|version| version.checkpoint_key)
    }

    fn version(&self, number: u8) -> Option<&Version> {
        self.versions
            .iter()
            .find(|version| version.number == number)
    }
}

/// Compares two MACs without telling by its time where they differ.
pub fn macs_equal(left: &Mac, right: &Mac) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(left, right).is_ok()
}

fn parse_line(line: &str) -> Option<(u8, Zeroizing<[u8; MASTER_KEY_BYTES]>)> {
    let mut parts = line.split(':');
    if parts.next()? != LINE_PREFIX {
        return None;
    }
    let number = parts.next()?.parse().ok()?;
    let hex = parts.next()?.as_bytes();
    if parts.next().is_some() || hex.len() != 2 * MASTER_KEY_BYTES {
        return None;
    }
    let mut key = Zeroizing::new([0u8; MASTER_KEY_BYTES]);
    for (slot, pair) in key.iter_mut().zip(hex.chunks_exact(2)) {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        *slot = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some((number, key))
}

fn derive(number: u8, master: &[u8; MASTER_KEY_BYTES]) -> Option<Version> {
    let pepper = expand(master, b"claviger secret pepper")?;
    let row = expand(master, b"claviger row seal")?;
    let encryption = expand(master, b"claviger key encryption")?;
    let backup = expand(master, b"claviger backup")?;
    let check = expand(master, b"claviger master key check")?;
    let tokens = expand(master, b"claviger token digests")?;
    let seed = expand(master, b"claviger audit checkpoints")?;
    let checkpoints = Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).ok()?;
    let checkpoint_key = checkpoints.public_key().as_ref().try_into().ok()?;
    Some(Version {
        number,
        pepper: Hmac::new_from_slice(pepper.as_slice()).ok()?,
        tokens: Polyval::new_from_slice(tokens.get(..16)?).ok()?,
        row: hmac::Key::new(hmac::HMAC_SHA256, row.as_slice()),
        encryption,
        backup,
        checkpoints,
        checkpoint_key,
        check: *check,
    })
}

fn expand(secret: &[u8], info: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"claviger");
    let mut out = Zeroizing::new([0u8; 32]);
    salt.extract(secret)
        .expand(&[info], hkdf::HKDF_SHA256)
        .ok()?
        .fill(out.as_mut_slice())
        .ok()?;
    Some(out)
}

fn context_key(version: &Version, context: &[u8]) -> Option<LessSafeKey> {
    let key = expand(version.encryption.as_slice(), context)?;
    Some(LessSafeKey::new(
        UnboundKey::new(&AES_256_GCM, key.as_slice()).ok()?,
    ))
}

fn canonical<T: Sealed>(row: &T) -> Vec<u8> {
    let mut columns = Columns::of(T::TABLE);
    row.columns(&mut columns);
    columns.into_bytes()
}

fn peppered(pepper: &Hmac<Sha256>, secret: &str) -> Mac {
    let tag = pepper.clone().chain_update(secret.as_bytes());
    tag.finalize().into_bytes().into()
}

fn tag(key: &hmac::Key, data: &[u8]) -> Mac {
    let tag = hmac::sign(key, data);
    let mut mac = [0u8; 32];
    mac.copy_from_slice(tag.as_ref());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(lines: &[(u8, u8)]) -> Keyring {
        let text: Vec<String> = lines
            .iter()
            .map(|(version, fill)| master_key_line(*version, &[*fill; 32]).to_string())
            .collect();
        Keyring::parse(&text.join("\n")).expect("valid lines")
    }

    #[test]
    fn texts_and_keys_that_differ_have_digests_that_differ() {
        let (one, other) = (ring(&[(1, 7)]), ring(&[(1, 8)]));
        let texts = [
            "",
            "\0",
            "a",
            "a\0",
            "aa",
            "0123456789abcdef",
            "0123456789abcdef\0",
        ];
        let digests = texts.iter().map(|text| one.token_digest(text));
        let all: std::collections::BTreeSet<_> = digests.collect();
        assert_eq!(all.len(), texts.len());
        assert_ne!(one.token_digest("a"), other.token_digest("a"));
    }

    #[test]
    fn the_highest_version_signs_and_older_ones_verify() {
        let old = ring(&[(1, 7)]);
        let both = ring(&[(1, 7), (2, 8)]);
        let (version, hash) = old.hash_new_secret("ck_live_x");
        assert_eq!(version, 1);
        assert_eq!(both.current_version(), 2);
        assert_eq!(both.hash_secret(version, "ck_live_x"), Some(hash));
        assert_eq!(both.hash_secret(3, "ck_live_x"), None);
    }

    #[test]
    fn a_secret_is_hashed_by_hmac_sha_256_of_both_libraries() {
        let master = [7; 32];
        let pepper = expand(&master, b"claviger secret pepper").expect("derives");
        let key = hmac::Key::new(hmac::HMAC_SHA256, pepper.as_slice());
        for secret in ["", "ck_live_x", &"x".repeat(200)] {
            let hash = ring(&[(1, 7)]).hash_new_secret(secret);
            assert_eq!(hash, (1, tag(&key, secret.as_bytes())));
        }
    }

    #[test]
    fn encryption_is_bound_to_its_context_and_key() {
        let keys = ring(&[(1, 7)]);
        let sealed = keys
            .encrypt(b"replay a", [9; 12], b"ck_live_secret")
            .expect("encrypts");
        assert_eq!(
            keys.decrypt(b"replay a", &sealed)
                .expect("opens")
                .as_slice(),
            b"ck_live_secret"
        );
        assert_eq!(
            keys.decrypt(b"replay b", &sealed).err(),
            Some(KeyringError::Decrypt)
        );
        assert!(ring(&[(1, 8)]).decrypt(b"replay a", &sealed).is_err());
    }

    #[test]
    fn bad_files_are_refused_with_their_line() {
        let error = |text: &str| Keyring::parse(text).err();
        assert_eq!(error("# nothing\n"), Some(KeyringError::Empty));
        assert_eq!(error("\nhello"), Some(KeyringError::Line { line: 2 }));
        let line = master_key_line(1, &[1; 32]);
        let twice = format!("{}\n{}", *line, *line);
        assert_eq!(
            error(&twice),
            Some(KeyringError::Twice {
                line: 2,
                version: 1
            })
        );
    }
}
