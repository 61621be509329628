//! One line of a file with the hashes of keys: read strictly, and checked as far as it can be by
//! itself.

use argon2::{Params, PasswordHash};
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use claviger_model::ids::AccountId;
use claviger_model::imports::{ForeignHash, HashAlgorithm, LEAD_LENGTHS, unhex};
use claviger_model::keys::{KeyDraft, KeySettings};
use claviger_model::{Environment, Problems, UnixMillis};
use serde::Deserialize;

/// Bytes that a line may have.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// The most that one try of a hash may cost, so that trying some never takes long.
const BCRYPT_COST_MAX: u32 = 14;
const ARGON2_MEMORY_KIB_MAX: u32 = 64 * 1024;
const ARGON2_PASSES_MAX: u32 = 10;
const ARGON2_LANES_MAX: u32 = 8;
const HINT_LENGTH_MAX: usize = 8;
const EXTERNAL_ID_LENGTH_MAX: usize = 200;

/// A line, as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: Option<String>,
    hash: Option<String>,
    algorithm: Option<String>,
    #[serde(default)]
    encoding: Option<String>,
    scopes: Option<Vec<String>>,
    #[serde(default)]
    account_id: Option<String>,
    #[serde(default)]
    environment: Option<String>,
    #[serde(default)]
    hint: Option<String>,
    #[serde(default)]
    lookup: Option<String>,
    #[serde(default)]
    expires_at: Option<i64>,
    #[serde(default)]
    external_id: Option<String>,
}

/// A key that a line describes.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) settings: KeySettings,
    pub(super) environment: Environment,
    pub(super) account_id: Option<AccountId>,
    pub(super) hash: ForeignHash,
    pub(super) hint: String,
    pub(super) external_id: Option<String>,
}

/// Reads a line. `pepper` is the number of the pepper that was given for the file.
///
/// # Errors
/// All that is wrong with it, in one sentence each.
pub(super) fn read(text: &str, pepper: Option<u8>, now: UnixMillis) -> Result<Described, String> {
    let line: Line = serde_json::from_str(text).map_err(|error| told(&error))?;
    let mut problems = Problems::default();
    let draft = KeyDraft {
        name: line.name.clone(),
        scopes: line.scopes.clone(),
        expires_at: line.expires_at.map(Some),
        ..KeyDraft::default()
    };
    let settings = match KeySettings::create(&draft, now) {
        Ok(settings) => Some(settings),
        Err(others) => {
            problems.merge(others);
            None
        }
    };
    let hash = hash(&line, pepper, &mut problems);
    let environment = environment(line.environment.as_deref(), &mut problems);
    let account_id = line.account_id.as_deref().and_then(|text| {
        problems.check(
            "account_id",
            text.parse::<AccountId>()
                .map_err(|_| "must be the id of an account, acct_…"),
        )
    });
    let p = &mut problems;
    let hint = bounded(line.hint, "hint", HINT_LENGTH_MAX, p).unwrap_or_default();
    let external_id = bounded(line.external_id, "external_id", EXTERNAL_ID_LENGTH_MAX, p);
    let (Some(settings), Some(hash)) = (settings, hash) else {
        return Err(problems.to_string());
    };
    problems
        .into_result()
        .map_err(|problems| problems.to_string())?;
    Ok(Described {
        settings,
        environment,
        account_id,
        hash,
        hint,
        external_id,
    })
}

/// What is wrong with the JSON of a line. Its number is told beside it, and no value of it: the
/// messages of the reader may repeat one.
fn told(error: &serde_json::Error) -> String {
    if error.is_data() {
        let sentence = error.to_string();
        let member = sentence
            .strip_prefix("unknown field `")
            .and_then(|rest| rest.split('`').next());
        return match member {
            Some(member) => format!("has a member that is not known: {member}."),
            None => format!(
                "has a member of the wrong type before character {}.",
                error.column()
            ),
        };
    }
    format!("is not a JSON object (character {}).", error.column())
}

fn hash(line: &Line, pepper: Option<u8>, problems: &mut Problems) -> Option<ForeignHash> {
    let algorithm = required(line.algorithm.as_deref(), "algorithm", problems);
    let text = required(line.hash.as_deref(), "hash", problems);
    let algorithm = algorithm.and_then(|word| {
        let known = HashAlgorithm::ALL.map(HashAlgorithm::as_str).join(", ");
        problems.check(
            "algorithm",
            HashAlgorithm::parse(word).ok_or(format!("must be one of {known}")),
        )
    })?;
    let text = text?;
    let read = match algorithm {
        HashAlgorithm::Bcrypt | HashAlgorithm::Argon2 => {
            let lead = lead(line.lookup.as_deref(), problems);
            let checked = if algorithm == HashAlgorithm::Bcrypt {
                bcrypt(text)
            } else {
                argon2(text)
            };
            let lead = problems.check("hash", checked).and(lead)?;
            return Some(ForeignHash::Slow {
                algorithm,
                text: text.to_owned(),
                lead,
            });
        }
        HashAlgorithm::Sha256 => digest(text, line.encoding.as_deref()).map(ForeignHash::Sha256),
        HashAlgorithm::Sha512 => digest(text, line.encoding.as_deref()).map(ForeignHash::Sha512),
        HashAlgorithm::HmacSha256 => {
            let missing = "hmac-sha256 needs the pepper: give it with --pepper-file";
            let number = problems.check("algorithm", pepper.ok_or(missing))?;
            digest(text, line.encoding.as_deref())
                .map(|digest| ForeignHash::HmacSha256(digest, number))
        }
    };
    match read {
        Ok(hash) => Some(hash),
        Err((member, sentence)) => {
            problems.add(member, sentence);
            None
        }
    }
}

fn required<'a>(value: Option<&'a str>, member: &str, problems: &mut Problems) -> Option<&'a str> {
    problems.check(member, value.ok_or("is required"))
}

/// The bytes of a digest, in hexadecimal unless it says otherwise; base64 with or without padding,
/// of either alphabet.
fn digest<const N: usize>(
    text: &str,
    encoding: Option<&str>,
) -> Result<[u8; N], (&'static str, String)> {
    match encoding.unwrap_or("hex") {
        "hex" => {
            unhex(text).ok_or_else(|| ("hash", format!("must be {} hexadecimal digits", 2 * N)))
        }
        "base64" => {
            let config = GeneralPurposeConfig::new()
                .with_decode_padding_mode(DecodePaddingMode::Indifferent);
            let alphabet = if text.contains(['-', '_']) {
                base64::alphabet::URL_SAFE
            } else {
                base64::alphabet::STANDARD
            };
            let decoded = GeneralPurpose::new(&alphabet, config).decode(text);
            let bytes = decoded.ok().and_then(|bytes| bytes.try_into().ok());
            bytes.ok_or_else(|| ("hash", format!("must be {N} bytes in base64")))
        }
        _ => Err(("encoding", "must be hex or base64".to_owned())),
    }
}

fn bcrypt(text: &str) -> Result<(), String> {
    let known = ["$2a$", "$2b$", "$2y$"]
        .iter()
        .any(|start| text.starts_with(start));
    let parts = text
        .parse::<bcrypt::HashParts>()
        .ok()
        .filter(|_| known && text.is_ascii());
    let parts = parts.ok_or("must be a bcrypt hash such as $2b$12$…")?;
    if parts.get_cost() > BCRYPT_COST_MAX {
        return Err(format!(
            "has the cost {}; at most {BCRYPT_COST_MAX} is taken, because each try would take \
             seconds",
            parts.get_cost()
        ));
    }
    Ok(())
}

fn argon2(text: &str) -> Result<(), String> {
    let wrong = "must be an argon2 hash such as $argon2id$v=19$m=19456,t=2,p=1$…";
    let hash = PasswordHash::new(text).map_err(|_| wrong)?;
    let is_argon2 = hash.algorithm.as_str().starts_with("argon2");
    if !is_argon2 || hash.version.is_none() || hash.salt.is_none() || hash.hash.is_none() {
        return Err(wrong.to_owned());
    }
    let params = Params::try_from(&hash).map_err(|_| wrong)?;
    if params.m_cost() > ARGON2_MEMORY_KIB_MAX {
        return Err(format!(
            "takes {} KiB of memory; at most {ARGON2_MEMORY_KIB_MAX} is taken",
            params.m_cost()
        ));
    }
    if params.t_cost() > ARGON2_PASSES_MAX || params.p_cost() > ARGON2_LANES_MAX {
        return Err(format!(
            "takes too long; at most {ARGON2_PASSES_MAX} passes and {ARGON2_LANES_MAX} lanes are \
             taken"
        ));
    }
    Ok(())
}

fn lead(lookup: Option<&str>, problems: &mut Problems) -> Option<String> {
    let Some(lookup) = lookup else {
        problems.add(
            "lookup",
            "is required for bcrypt and argon2: the first characters of the key, by which the \
             hash is found",
        );
        return None;
    };
    let fits = LEAD_LENGTHS.contains(&lookup.len());
    if !fits || !lookup.bytes().all(|byte| byte.is_ascii_graphic()) {
        let (least, most) = (LEAD_LENGTHS.start(), LEAD_LENGTHS.end());
        problems.add(
            "lookup",
            format!("must be {least} to {most} printable ASCII characters"),
        );
        return None;
    }
    Some(lookup.to_owned())
}

fn environment(word: Option<&str>, problems: &mut Problems) -> Environment {
    let Some(word) = word else {
        return Environment::Live;
    };
    let known = Environment::parse(word).ok_or("must be live or test");
    problems
        .check("environment", known)
        .unwrap_or(Environment::Live)
}

fn bounded(
    text: Option<String>,
    member: &str,
    most: usize,
    problems: &mut Problems,
) -> Option<String> {
    let text = text?;
    let fits = (1..=most).contains(&text.chars().count());
    if !fits || text.chars().any(char::is_control) {
        problems.add(member, format!("must be 1 to {most} printable characters"));
        return None;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_741_564_800_000);
    /// SHA-256 of "abc" (FIPS 180-2, appendix B.1).
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn line(more: &str) -> Result<Described, String> {
        read(
            &format!(r#"{{"name":"n","scopes":["a"],{more}}}"#),
            Some(1),
            NOW,
        )
    }

    #[test]
    fn digests_are_taken_in_both_encodings() {
        let hex = line(&format!(r#""hash":"{ABC}","algorithm":"sha256""#)).unwrap();
        for base64 in [
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
            "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0",
        ] {
            let same = format!(r#""hash":"{base64}","algorithm":"sha256","encoding":"base64""#);
            assert_eq!(line(&same).unwrap().hash, hex.hash);
        }
        let hmac = line(&format!(r#""hash":"{ABC}","algorithm":"hmac-sha256""#)).unwrap();
        assert_eq!(hmac.hash.pepper(), Some(1));
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a flat list of bad lines")]
    fn what_is_wrong_is_said_without_the_value() {
        let long = "x".repeat(70);
        for (more, said) in [
            (
                r#""hash":"ab","algorithm":"sha256""#,
                "hash must be 64 hexadecimal digits",
            ),
            (
                r#""hash":"ab","algorithm":"sha512","encoding":"base64""#,
                "hash must be 64 bytes",
            ),
            (
                r#""hash":"ab","algorithm":"sha256","encoding":"x""#,
                "encoding must be hex",
            ),
            (
                r#""hash":"ab","algorithm":"md5""#,
                "algorithm must be one of sha256",
            ),
            (r#""hash":"ab""#, "algorithm is required"),
            (r#""algorithm":"sha256""#, "hash is required"),
            (
                r#""hash":"ab","algorithm":"bcrypt""#,
                "lookup is required for bcrypt",
            ),
            (
                r#""hash":"$2b$04$x","algorithm":"bcrypt","lookup":"sk_x""#,
                "must be a bcrypt hash",
            ),
            (
                r#""hash":"$2b$15$......................................................","algorithm":"bcrypt","lookup":"sk_x""#,
                "must be a bcrypt hash",
            ),
            (
                &format!(r#""hash":"{ABC}","algorithm":"sha256","expires_at":5"#),
                "expires_at must be in the future",
            ),
            (
                &format!(r#""hash":"{ABC}","algorithm":"sha256","colour":5"#),
                "not known: colour",
            ),
            (
                &format!(r#""hash":"{ABC}","algorithm":"sha256","account_id":"x""#),
                "account_id must be the id",
            ),
            (
                &format!(r#""hash":"{ABC}","algorithm":"sha256","environment":"x""#),
                "environment must be",
            ),
            (
                &format!(r#""hash":"{ABC}","algorithm":"sha256","hint":"{long}""#),
                "hint must be",
            ),
            (r#""hash":5"#, "wrong type"),
        ] {
            let sentence = line(more).unwrap_err();
            assert!(sentence.contains(said), "{more}: {sentence}");
            assert!(!sentence.contains(ABC), "{sentence}");
        }
        assert!(
            read("{", None, NOW)
                .unwrap_err()
                .contains("not a JSON object")
        );
        assert!(
            read("", None, NOW)
                .unwrap_err()
                .contains("not a JSON object")
        );
        let without =
            format!(r#"{{"name":"n","scopes":["a"],"hash":"{ABC}","algorithm":"hmac-sha256"}}"#);
        assert!(
            read(&without, None, NOW)
                .unwrap_err()
                .contains("--pepper-file")
        );
    }

    #[test]
    fn slow_hashes_are_taken_up_to_a_cost() {
        let slow = |hash: &str, algorithm: &str| {
            line(&format!(
                r#""hash":"{hash}","algorithm":"{algorithm}","lookup":"sk_x""#
            ))
            .map(drop)
        };
        let salt_and_hash = "CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy";
        for start in ["$2a$05$", "$2b$14$", "$2y$10$"] {
            slow(&format!("{start}{salt_and_hash}"), "bcrypt").unwrap();
        }
        let dear = slow(&format!("$2b$15${salt_and_hash}"), "bcrypt").unwrap_err();
        assert!(dear.contains("cost 15"), "{dear}");
        let argon = |params: &str| {
            let hash = format!(
                "$argon2id$v=19${params}$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
            );
            slow(&hash, "argon2")
        };
        argon("m=65536,t=2,p=1").unwrap();
        assert!(argon("m=131072,t=2,p=1").unwrap_err().contains("memory"));
        assert!(argon("m=1024,t=200,p=1").unwrap_err().contains("too long"));
        assert!(
            slow(
                "$scrypt$ln=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
                "argon2"
            )
            .is_err()
        );
    }
}
