//! The format of a backup: what stands at its head, and the chunks that follow.
//!
//! Two lines of text, the second one JSON, then chunks of one size, the last one shorter. Each is
//! encrypted and authenticated by AES-256-GCM under a key that is derived from the master key and a
//! salt for this file alone. The nonce is the chunk's number and whether it is the last one (the
//! STREAM construction), the associated data are the two lines: a chunk that was changed, moved,
//! taken out or added does not open, and neither does one under another head.

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use serde::{Deserialize, Serialize};

use crate::keyring::Keyring;
use crate::time::UnixMillis;

/// The first line, without its end.
pub const FIRST_LINE: &str = "claviger backup 1";
/// Bytes of a chunk before it is encrypted; the last one may have fewer.
pub const CHUNK_BYTES: usize = 64 * 1024;
/// Bytes that encryption adds to a chunk.
pub const TAG_BYTES: usize = 16;
/// Bytes of the head at most.
pub const HEAD_BYTES_MAX: usize = 4 * 1024;

/// What a backup says of itself. Nobody without the master key can change it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Head {
    /// The version of the master key that it is encrypted under.
    pub master_key: u8,
    /// What makes its key its own, in hexadecimal.
    pub salt: String,
    /// The recovery point: everything that was answered before is in it. Unix milliseconds.
    pub at: UnixMillis,
    /// The epoch of its last change.
    pub epoch: i64,
    /// How many events its audit log has.
    pub audit_events: i64,
    /// The hash of the last one, in hexadecimal.
    pub audit_head: String,
    /// The latest migration of its schema.
    pub schema: String,
    /// Bytes of the database in it.
    pub bytes: u64,
}

/// Why a backup cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadBackup {
    /// It does not start as one does.
    #[error("it is no backup of Claviger")]
    NoBackup,
    /// It is of a later version.
    #[error("it was made by a later version of Claviger, which is needed to read it")]
    Newer,
    /// Its master key is not among those that there are.
    #[error("it was made with version {0} of the master key, which is not among those given")]
    NoKey(u8),
    /// A chunk does not open: the key is another one or bytes were changed, moved, taken out or
    /// added.
    #[error(
        "byte {offset} or one of the {CHUNK_BYTES} after it is not as it was written, or it was \
         written with another master key"
    )]
    Chunk {
        /// Where the chunk starts in the file.
        offset: u64,
    },
    /// It ended before its last chunk, or went on behind it.
    #[error("it is not whole: {0}")]
    Length(&'static str),
}

/// Encrypts or decrypts the chunks of one backup, in their order.
pub struct Chunks {
    key: LessSafeKey,
    head: Vec<u8>,
    number: u64,
    is_over: bool,
}

impl Head {
    /// The two lines.
    pub fn to_lines(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{FIRST_LINE}\n{json}\n")
    }

    /// What two lines say, with their ends.
    ///
    /// # Errors
    /// They are not the head of a backup that this version can read.
    pub fn read(lines: &[u8]) -> Result<Self, BadBackup> {
        let text = std::str::from_utf8(lines).map_err(|_| BadBackup::NoBackup)?;
        let (first, rest) = text.split_once('\n').ok_or(BadBackup::NoBackup)?;
        let family = FIRST_LINE.trim_end_matches('1');
        match first.strip_prefix(family) {
            Some("1") => {}
            Some(_) => return Err(BadBackup::Newer),
            None => return Err(BadBackup::NoBackup),
        }
        serde_json::from_str(rest).map_err(|_| BadBackup::NoBackup)
    }
}

impl Chunks {
    /// The chunks of the backup with this head.
    ///
    /// # Errors
    /// The keyring has not its key.
    pub fn of(keyring: &Keyring, head: &Head) -> Result<Self, BadBackup> {
        let salt = salt(&head.salt).ok_or(BadBackup::NoBackup)?;
        let key = keyring
            .backup_key(head.master_key, &salt)
            .ok_or(BadBackup::NoKey(head.master_key))?;
        Ok(Self {
            key,
            head: head.to_lines().into_bytes(),
            number: 0,
            is_over: false,
        })
    }

    /// Encrypts the next chunk in place and adds its tag.
    ///
    /// # Errors
    /// The last one has been.
    pub fn seal(&mut self, chunk: &mut Vec<u8>, is_last: bool) -> Result<(), BadBackup> {
        let nonce = self.next(is_last)?;
        self.key
            .seal_in_place_append_tag(nonce, Aad::from(&self.head), chunk)
            .map_err(|_| BadBackup::Length("a chunk is too long"))
    }

    /// Decrypts the next chunk in place and takes its tag off.
    ///
    /// # Errors
    /// It is not the chunk that stood here, or the last one has been.
    pub fn open(&mut self, chunk: &mut Vec<u8>, is_last: bool) -> Result<(), BadBackup> {
        let whole = (CHUNK_BYTES + TAG_BYTES) as u64;
        let offset = self.head.len() as u64 + self.number * whole;
        let nonce = self.next(is_last)?;
        let opened = self.key.open_in_place(nonce, Aad::from(&self.head), chunk);
        let length = opened.map_err(|_| BadBackup::Chunk { offset })?.len();
        chunk.truncate(length);
        Ok(())
    }

    fn next(&mut self, is_last: bool) -> Result<Nonce, BadBackup> {
        if self.is_over {
            return Err(BadBackup::Length("something follows its last chunk"));
        }
        let mut nonce = [0; NONCE_LEN];
        nonce[..8].copy_from_slice(&self.number.to_be_bytes());
        nonce[NONCE_LEN - 1] = u8::from(is_last);
        self.number += 1;
        self.is_over = is_last;
        Ok(Nonce::assume_unique_for_key(nonce))
    }
}

/// The salt of a head as text.
pub fn salt_text(salt: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(64);
    for byte in salt {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn salt(text: &str) -> Option<[u8; 32]> {
    let bytes = text.as_bytes();
    let mut salt = [0; 32];
    if bytes.len() != 64 {
        return None;
    }
    for (slot, pair) in salt.iter_mut().zip(bytes.chunks_exact(2)) {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        *slot = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(salt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::master_key_line;

    fn ring(fill: u8) -> Keyring {
        Keyring::parse(&master_key_line(1, &[fill; 32])).expect("a line")
    }

    fn head() -> Head {
        Head {
            master_key: 1,
            salt: salt_text(&[9; 32]),
            at: UnixMillis(1),
            epoch: 7,
            audit_events: 3,
            audit_head: "00".to_owned(),
            schema: "0001_ledger".to_owned(),
            bytes: 6,
        }
    }

    fn sealed(parts: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut chunks = Chunks::of(&ring(7), &head()).expect("a key");
        let count = parts.len();
        let seal = |(number, part): (usize, &&[u8])| {
            let mut chunk = part.to_vec();
            let sealed = chunks.seal(&mut chunk, number + 1 == count);
            sealed.expect("seals");
            chunk
        };
        parts.iter().enumerate().map(seal).collect()
    }

    fn opens(ring: &Keyring, head: &Head, chunks: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, BadBackup> {
        let mut opener = Chunks::of(ring, head)?;
        let count = chunks.len();
        let mut parts = Vec::new();
        for (number, chunk) in chunks.iter().enumerate() {
            let mut chunk = chunk.clone();
            opener.open(&mut chunk, number + 1 == count)?;
            parts.push(chunk);
        }
        Ok(parts)
    }

    #[test]
    fn what_was_sealed_opens_and_nothing_else_does() {
        let chunks = sealed(&[b"abc", b"def", b"g"]);
        let opened = opens(&ring(7), &head(), &chunks).expect("opens");
        assert_eq!(opened.concat(), b"abcdefg");

        let mut swapped = chunks.clone();
        swapped.swap(0, 1);
        let cut = chunks[..2].to_vec();
        let mut flipped = chunks.clone();
        flipped[1][0] ^= 1;
        let doubled = [chunks.clone(), vec![chunks[2].clone()]].concat();
        let other = Head { epoch: 8, ..head() };
        for (what, bad) in [
            ("swapped", opens(&ring(7), &head(), &swapped)),
            ("cut", opens(&ring(7), &head(), &cut)),
            ("flipped", opens(&ring(7), &head(), &flipped)),
            ("added", opens(&ring(7), &head(), &doubled)),
            ("another head", opens(&ring(7), &other, &chunks)),
            ("another key", opens(&ring(8), &head(), &chunks)),
        ] {
            assert!(matches!(bad, Err(BadBackup::Chunk { .. })), "{what}");
        }
    }

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let lines = head().to_lines();
        assert_eq!(Head::read(lines.as_bytes()), Ok(head()));
        let newer = lines.replacen("backup 1", "backup 2", 1);
        assert_eq!(Head::read(newer.as_bytes()), Err(BadBackup::Newer));
        assert_eq!(Head::read(b"SQLite format 3\0"), Err(BadBackup::NoBackup));
        let unknown = Head {
            master_key: 2,
            ..head()
        };
        assert_eq!(
            Chunks::of(&ring(7), &unknown).err(),
            Some(BadBackup::NoKey(2))
        );
    }
}
