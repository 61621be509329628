//! What others sign: JWS (RFC 7515) and public keys (RFC 7517) that clients make themselves, read
//! strictly (RFC 8725). Nothing here looks at a clock or remembers anything.
//!
//! The access tokens of this system are no concern of this module: they are read more strictly
//! still, see [`crate::tokens`].

pub mod dpop;
mod json;
mod jwk;
mod jws;
mod key_set;
mod url;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

pub use jwk::{BadKey, PublicKey, Thumbprint};
pub use jws::{BadJws, SignedText};
pub use key_set::{BadKeySet, KEY_SET_LENGTH_MAX, KEYS_MAX, KeySet};

/// How a client signs (RFC 7518 section 3.1, RFC 8037 section 3.1, RFC 9864 section 2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientAlgorithm {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// Ed25519, called `Ed25519` and by its elder, wider name `EdDSA`.
    Ed25519,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

impl ClientAlgorithm {
    /// The values of `alg` that are taken, the best first, as metadata lists them.
    pub const NAMES: [&str; 5] = ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"];

    /// The algorithm that a value of `alg` names. There is no symmetric one, and no `none`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "ES256" => Some(Self::Es256),
            "EdDSA" | "Ed25519" => Some(Self::Ed25519),
            "PS256" => Some(Self::Ps256),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }
}

/// SHA-256 of a text, in base64url: what tokens and identifiers are named by (RFC 9449 section
/// 4.2).
pub fn hash_text(text: &str) -> String {
    encode(digest(&SHA256, text.as_bytes()).as_ref())
}

/// The bytes of canonical base64url without padding (RFC 7515 section 2): the one text that
/// encodes them.
fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Base64url without padding.
fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A `NumericDate` (RFC 7519 section 2): seconds since 1970, of which parts are dropped.
pub fn seconds(claims: &Map<String, Value>, name: &str) -> Option<i64> {
    let value = claims.get(name)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it saturates, and parts are dropped"
    )]
    let truncated = |float: f64| float as i64;
    value.as_i64().or_else(|| value.as_f64().map(truncated))
}
