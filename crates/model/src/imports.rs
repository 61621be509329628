//! Keys that were made elsewhere, by the hashes that were kept of them there.
//!
//! Such a key is an ordinary one whose secret has a placeholder, and this row beside it. At the
//! first use of the key the placeholder gives way to our own hash and the foreign one is erased;
//! the row stays, so that the same file can be imported again.

use crate::ids::{AccountId, KeyId, SecretId};
use crate::keyring::{Keyring, Mac};
use crate::seal::{Columns, Sealed};
use crate::secret::Lookup;
use crate::time::UnixMillis;

/// Bytes that a key that was made elsewhere may have to be looked for.
pub const FOREIGN_KEY_LENGTH_MAX: usize = 2_048;

/// Characters that a leading part of a key may have, by which a slow hash is found.
pub const LEAD_LENGTHS: std::ops::RangeInclusive<usize> = 4..=63;

/// How many keys with slow hashes may have the same leading part: so many hashes may have to be
/// tried.
pub const SAME_LEAD_MAX: usize = 8;

/// How many peppers of HMAC-SHA-256 there may be: each costs a hash for a key that is unknown.
pub const PEPPERS_MAX: usize = 8;

/// How a key was hashed where it was made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum HashAlgorithm {
    /// SHA-256 of the whole key.
    Sha256,
    /// SHA-512 of the whole key.
    Sha512,
    /// HMAC-SHA-256 of the whole key under a pepper.
    HmacSha256,
    /// bcrypt.
    Bcrypt,
    /// argon2, in any of its variants.
    Argon2,
}

/// A hash that was kept elsewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ForeignHash {
    /// SHA-256.
    Sha256([u8; 32]),
    /// SHA-512.
    Sha512([u8; 64]),
    /// HMAC-SHA-256 under the pepper with this number.
    HmacSha256([u8; 32], u8),
    /// One with a salt and a cost.
    Slow {
        /// Which one.
        algorithm: HashAlgorithm,
        /// With its salt and cost, as `$…$…`.
        text: String,
        /// What the key starts with.
        lead: String,
    },
}

/// What was brought along for a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportedHash {
    /// The secret of the key that it stands for.
    pub secret_id: SecretId,
    /// The key.
    pub key_id: KeyId,
    /// Whose it is.
    pub account_id: AccountId,
    /// What it was called elsewhere.
    pub external_id: Option<String>,
    /// By which the same hash is recognised when it comes again; it tells nothing of it.
    pub fingerprint: Fingerprint,
    /// How it was hashed.
    pub algorithm: HashAlgorithm,
    /// The hash; none since the key was seen.
    pub hash: Option<ForeignHash>,
    /// What the placeholder of the secret is found by.
    pub placeholder: Lookup,
    /// When it was imported.
    pub created_at: UnixMillis,
    /// When the key was seen for the first time.
    pub upgraded_at: Option<UnixMillis>,
    /// Counts changes of the row.
    pub version: i64,
}

/// A keyed hash of a foreign hash, and the version of the key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fingerprint {
    /// Which master key version's pepper.
    pub pepper_version: u8,
    /// The keyed hash.
    pub mac: Mac,
}

impl HashAlgorithm {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Sha256,
        Self::Sha512,
        Self::HmacSha256,
        Self::Bcrypt,
        Self::Argon2,
    ];

    /// The word in files and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::HmacSha256 => "hmac-sha256",
            Self::Bcrypt => "bcrypt",
            Self::Argon2 => "argon2",
        }
    }

    /// The one that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// Whether it has a salt and a cost: such a hash cannot be looked up, only tried.
    pub const fn is_slow(self) -> bool {
        matches!(self, Self::Bcrypt | Self::Argon2)
    }
}

impl ForeignHash {
    /// How it was hashed.
    pub const fn algorithm(&self) -> HashAlgorithm {
        match self {
            Self::Sha256(_) => HashAlgorithm::Sha256,
            Self::Sha512(_) => HashAlgorithm::Sha512,
            Self::HmacSha256(..) => HashAlgorithm::HmacSha256,
            Self::Slow { algorithm, .. } => *algorithm,
        }
    }

    /// What the database keeps: the digest in hexadecimal, or the text of a slow one.
    pub fn to_text(&self) -> String {
        match self {
            Self::Sha256(digest) | Self::HmacSha256(digest, _) => hex(digest),
            Self::Sha512(digest) => hex(digest),
            Self::Slow { text, .. } => text.clone(),
        }
    }

    /// The leading part of the key, by which a slow one is found.
    pub fn lead(&self) -> Option<&str> {
        match self {
            Self::Slow { lead, .. } => Some(lead),
            _ => None,
        }
    }

    /// The number of its pepper.
    pub const fn pepper(&self) -> Option<u8> {
        match self {
            Self::HmacSha256(_, pepper) => Some(*pepper),
            _ => None,
        }
    }

    /// Reads [`ForeignHash::to_text`] back, with what stands beside it.
    pub fn restore(
        algorithm: HashAlgorithm,
        text: &str,
        lead: Option<&str>,
        pepper: Option<u8>,
    ) -> Option<Self> {
        Some(match algorithm {
            HashAlgorithm::Sha256 => Self::Sha256(unhex(text)?),
            HashAlgorithm::Sha512 => Self::Sha512(unhex(text)?),
            HashAlgorithm::HmacSha256 => Self::HmacSha256(unhex(text)?, pepper?),
            HashAlgorithm::Bcrypt | HashAlgorithm::Argon2 => Self::Slow {
                algorithm,
                text: text.to_owned(),
                lead: lead?.to_owned(),
            },
        })
    }

    /// By which it is recognised, under this version of the pepper. The number of its own pepper
    /// belongs to it: under another one the same digest is another key's.
    pub fn fingerprint(&self, keyring: &Keyring, pepper_version: u8) -> Option<Fingerprint> {
        let pepper = self.pepper().unwrap_or_default();
        let told = format!(
            "claviger import\n{}\n{pepper}\n{}",
            self.algorithm().as_str(),
            self.to_text()
        );
        let mac = keyring.hash_secret(pepper_version, &told)?;
        Some(Fingerprint {
            pepper_version,
            mac,
        })
    }
}

impl Fingerprint {
    /// What the database keeps of it.
    pub fn to_text(self) -> String {
        format!("{}:{}", self.pepper_version, hex(&self.mac))
    }

    /// Reads [`Fingerprint::to_text`] back.
    pub fn parse(text: &str) -> Option<Self> {
        let (version, mac) = text.split_once(':')?;
        Some(Self {
            pepper_version: version.parse().ok()?,
            mac: unhex(mac)?,
        })
    }
}

impl ImportedHash {
    /// The row once the key was seen: the hash is erased.
    #[must_use]
    pub fn upgraded(self, at: UnixMillis) -> Self {
        Self {
            hash: None,
            upgraded_at: Some(at),
            version: self.version + 1,
            ..self
        }
    }
}

impl Sealed for ImportedHash {
    const TABLE: &'static str = "imported_hashes";

    fn columns(&self, columns: &mut Columns) {
        let hash = self.hash.as_ref();
        columns
            .shown(self.secret_id)
            .shown(self.key_id)
            .shown(self.account_id)
            .optional(self.external_id.as_deref(), Columns::text)
            .text(&self.fingerprint.to_text())
            .text(self.algorithm.as_str())
            .optional(hash.map(ForeignHash::to_text), Columns::shown)
            .optional(hash.and_then(ForeignHash::lead), Columns::text)
            .optional(hash.and_then(ForeignHash::pepper), |c, number| {
                c.int(i64::from(number))
            })
            .text(&self.placeholder.to_text())
            .time(self.created_at)
            .optional(self.upgraded_at, Columns::time)
            .int(self.version);
    }
}

/// Bytes that hexadecimal text of exactly their length stands for.
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?;
    }
    Some(bytes)
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::master_key_line;

    #[test]
    fn hashes_come_back_from_their_texts() {
        let slow = ForeignHash::Slow {
            algorithm: HashAlgorithm::Bcrypt,
            text: "$2b$10$x".into(),
            lead: "sk_a".into(),
        };
        for hash in [
            ForeignHash::Sha256([0xa9; 32]),
            ForeignHash::Sha512([7; 64]),
            ForeignHash::HmacSha256([8; 32], 3),
            slow,
        ] {
            let text = hash.to_text();
            let back = ForeignHash::restore(hash.algorithm(), &text, hash.lead(), hash.pepper());
            assert_eq!(back, Some(hash));
        }
        let restored = ForeignHash::restore(HashAlgorithm::Sha256, &"a".repeat(63), None, None);
        assert_eq!(restored, None);
    }

    #[test]
    fn a_fingerprint_is_that_of_one_hash_of_one_algorithm() {
        let lines = [(1, 7), (2, 8)].map(|(version, fill)| master_key_line(version, &[fill; 32]));
        let keyring = Keyring::parse(&format!("{}\n{}", *lines[0], *lines[1])).expect("lines");
        let of = |hash: ForeignHash, version| hash.fingerprint(&keyring, version).expect("live");
        let first = of(ForeignHash::Sha256([1; 32]), 1);
        assert_eq!(first, of(ForeignHash::Sha256([1; 32]), 1));
        assert_eq!(Fingerprint::parse(&first.to_text()), Some(first));
        for other in [
            of(ForeignHash::Sha256([1; 32]), 2),
            of(ForeignHash::Sha256([2; 32]), 1),
            of(ForeignHash::HmacSha256([1; 32], 1), 1),
        ] {
            assert_ne!(first.mac, other.mac);
        }
    }
}
