//! The shape of every secret that is shown once: `<prefix><10 id><32 secret><6 check>`, base62.
//!
//! One double-click selects it; its checksum refuses a typo without a look-up and lets scanners
//! recognise it. API keys, client secrets, legacy keys, session tokens and invitations all have
//! this shape and differ in their prefix alone.

use zeroize::{Zeroize, Zeroizing};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// What each byte stands for: the other way round than [`ALPHABET`].
const DIGITS: [u8; 256] = digits();
const NO_DIGIT: u8 = u8::MAX;
const ID_LENGTH: usize = 10;
const SECRET_LENGTH: usize = 32;
const CHECK_LENGTH: usize = 6;
const BODY_LENGTH: usize = ID_LENGTH + SECRET_LENGTH + CHECK_LENGTH;
const PREFIX_LENGTH_MAX: usize = 32;
/// How many identifiers there are: ten base62 digits. Those of secrets are spread over all of them.
pub const LOOKUPS: u64 = 62_u64.pow(10);
/// What follows the prefix of a secret, as a regular expression.
const BODY_PATTERN: &str = "[0-9A-Za-z]{48}";

/// How many random bytes [`Plaintext::mint`] asks for: enough that rejecting the 3% that would
/// bias a base62 digit practically never runs out.
pub const MINT_RANDOM_BYTES: usize = 96;

/// A secret in full. It is shown once: no `Debug`, no `Serialize`, wiped when dropped.
#[derive(Clone)]
pub struct Plaintext(Zeroizing<String>);

/// The public identifier inside a secret, by which it is looked up: ten base62 digits as a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Lookup(pub u64);

/// Why a text is not one of our secrets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Malformed {
    /// Too short, too long, or with characters outside base62.
    #[error("not a credential of this system")]
    Shape,
    /// The shape is right and the checksum is not: a typo or a truncated copy.
    #[error("a character is missing or mistyped: the checksum does not match")]
    Checksum,
}

impl Plaintext {
    /// Makes a secret from random bytes; `None` in the practically impossible case that too many
    /// of them had to be rejected, upon which the caller tries again with fresh ones.
    pub fn mint(prefix: &str, random: &[u8; MINT_RANDOM_BYTES]) -> Option<Self> {
        let mut text = Zeroizing::new(String::with_capacity(prefix.len() + BODY_LENGTH));
        text.push_str(prefix);
        // 248 is the largest multiple of 62 below 256: what is above would favour low digits.
        let mut digits = random
            .iter()
            .filter(|byte| **byte < 248)
            .map(|byte| byte % 62);
        for _ in 0..ID_LENGTH + SECRET_LENGTH {
            text.push(char::from(ALPHABET[usize::from(digits.next()?)]));
        }
        let mut check = check_digits(text.as_bytes());
        text.push_str(std::str::from_utf8(&check).ok()?);
        check.zeroize();
        Some(Self(text))
    }

    /// The text itself. Every call is a place where the secret leaves: keep them few.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The last four characters, by which people tell their keys apart.
    pub fn hint(&self) -> &str {
        &self.0[self.0.len() - 4..]
    }

    /// The public identifier inside.
    pub fn lookup(&self) -> Lookup {
        let body = self.0.len() - BODY_LENGTH;
        Lookup(number(&self.0.as_bytes()[body..body + ID_LENGTH]).unwrap_or_default())
    }

    /// Takes back a secret that was kept encrypted for a replay.
    pub fn restore(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl Lookup {
    /// The identifier of a key that was made elsewhere and has none inside: made from its keyed
    /// hash, so that it tells nothing of the key.
    pub fn derived(hash: &crate::keyring::Mac) -> Self {
        let (start, _) = hash.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        Self(u64::from_be_bytes(*start) % LOOKUPS)
    }

    /// The ten base62 digits, as the database and the key itself carry them.
    pub fn to_text(self) -> String {
        let mut out = [0u8; ID_LENGTH];
        let mut rest = self.0;
        for slot in out.iter_mut().rev() {
            *slot = ALPHABET[(rest % 62) as usize];
            rest /= 62;
        }
        out.iter().map(|byte| char::from(*byte)).collect()
    }

    /// Reads [`Lookup::to_text`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        (text.len() == ID_LENGTH)
            .then(|| number(text.as_bytes()))
            .flatten()
            .map(Self)
    }
}

/// Checks shape and checksum and gives the public identifier. Does not allocate.
///
/// The prefix is not looked at: the checksum and the stored hash cover it, a retired prefix stays
/// valid, and kind and environment are the stored row's.
pub fn parse(text: &str) -> Result<Lookup, Malformed> {
    let bytes = text.as_bytes();
    let prefix_length = bytes
        .len()
        .checked_sub(BODY_LENGTH)
        .ok_or(Malformed::Shape)?;
    if prefix_length == 0 || prefix_length > PREFIX_LENGTH_MAX || bytes[prefix_length - 1] != b'_' {
        return Err(Malformed::Shape);
    }
    let (covered, check) = bytes.split_at(bytes.len() - CHECK_LENGTH);
    let body = &covered[prefix_length..];
    let lookup = number(&body[..ID_LENGTH]).ok_or(Malformed::Shape)?;
    if !body[ID_LENGTH..].iter().all(u8::is_ascii_alphanumeric) {
        return Err(Malformed::Shape);
    }
    if check_digits(covered) != *check {
        return Err(Malformed::Checksum);
    }
    Ok(Lookup(lookup))
}

/// A regular expression for the secrets that start with one of `prefixes`, in the syntax that
/// `grep -E`, RE2, PCRE and the scanners of source code have in common. It needs no escaping:
/// prefixes are letters, digits and `_`.
pub fn pattern<'a>(prefixes: impl IntoIterator<Item = &'a str>) -> String {
    let mut prefixes: Vec<&str> = prefixes.into_iter().collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    format!("\\b({}){BODY_PATTERN}\\b", prefixes.join("|"))
}

/// Whether `prefix` can stand before a secret: 2 to 32 of `a-z 0-9 _`, a letter first, `_` last.
pub fn is_prefix(prefix: &str) -> bool {
    let bytes = prefix.as_bytes();
    (2..=PREFIX_LENGTH_MAX).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes[bytes.len() - 1] == b'_'
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_')
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |value, byte| {
        let digit = DIGITS[usize::from(*byte)];
        (digit != NO_DIGIT).then(|| value * 62 + u64::from(digit))
    })
}

const fn digits() -> [u8; 256] {
    let mut digits = [NO_DIGIT; 256];
    let mut digit = 0u8;
    while (digit as usize) < ALPHABET.len() {
        digits[ALPHABET[digit as usize] as usize] = digit;
        digit += 1;
    }
    digits
}

/// CRC-32 (IEEE) of `covered` as six base62 digits, most significant first.
fn check_digits(covered: &[u8]) -> [u8; CHECK_LENGTH] {
    let mut rest = crc32fast::hash(covered);
    let mut out = [0u8; CHECK_LENGTH];
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn minted(seed: u8) -> Plaintext {
        let mut random = [0; MINT_RANDOM_BYTES];
        for (slot, step) in random.iter_mut().zip(0u8..) {
            *slot = seed.wrapping_mul(31).wrapping_add(step);
        }
        Plaintext::mint("ck_live_", &random).expect("enough digits")
    }

    #[test]
    fn a_minted_secret_parses_to_its_own_lookup() {
        let secret = minted(3);
        assert_eq!(secret.expose().len(), "ck_live_".len() + 48);
        assert_eq!(parse(secret.expose()), Ok(secret.lookup()));
        assert_eq!(
            Lookup::from_text(&secret.lookup().to_text()),
            Some(secret.lookup())
        );
        assert!(secret.expose().ends_with(secret.hint()));
    }

    #[test]
    fn the_checksum_is_crc32_ieee_most_significant_first() {
        // CRC-32 of "123456789" is 0xCBF43926 = 3421780262 (the catalogue's check value).
        let expected = {
            let mut value = 3_421_780_262u32;
            let mut digits = Vec::new();
            for _ in 0..6 {
                digits.insert(0, ALPHABET[(value % 62) as usize]);
                value /= 62;
            }
            digits
        };
        assert_eq!(check_digits(b"123456789").to_vec(), expected);
    }

    #[test]
    fn every_single_typo_is_refused_without_a_look_up() {
        let secret = minted(9);
        let text = secret.expose();
        for position in "ck_live_".len()..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[position] = if bytes[position] == b'x' { b'y' } else { b'x' };
            let wrong = String::from_utf8(bytes).expect("ascii");
            assert_eq!(parse(&wrong), Err(Malformed::Checksum), "{position}");
        }
        assert_eq!(parse(&text[..text.len() - 1]), Err(Malformed::Shape));
        assert_eq!(parse(&format!("{text} ")), Err(Malformed::Shape));
    }

    #[test]
    fn random_that_rejects_too_much_mints_nothing() {
        assert!(Plaintext::mint("ck_", &[255; MINT_RANDOM_BYTES]).is_none());
    }

    #[test]
    fn prefixes() {
        for good in ["ck_", "ck_live_", "pb_test_", "a1_"] {
            assert!(is_prefix(good), "{good}");
        }
        for bad in [
            "",
            "_",
            "ck",
            "CK_",
            "1k_",
            "ck-_",
            &format!("{}_", "a".repeat(40)),
        ] {
            assert!(!is_prefix(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".{0,120}") {
            let _ = parse(&text);
        }
    }
}
