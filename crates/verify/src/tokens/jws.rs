//! The compact form of a signed token (RFC 7515 section 7.1), read as strictly as its own issuer
//! writes it (RFC 8725 sections 3.1, 3.10 and 3.11).

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::ids::SigningKeyId;
use claviger_model::tokens::{ACCESS_TOKEN_TYPE, Claims, TOKEN_LENGTH_MAX};
use serde::Deserialize;

/// What media types start with, where a `typ` is written in full (RFC 7515 section 4.1.9).
const MEDIA_TYPE_START: &str = "application/";

/// A token taken apart. Nothing is known of its signature yet, so its claims are still closed.
#[derive(Debug)]
pub struct Jws<'a> {
    /// Which key is said to have signed it.
    pub key_id: SigningKeyId,
    /// With which algorithm.
    pub algorithm: SigningAlgorithm,
    /// What was signed: header and claims as they were sent.
    pub signed: &'a str,
    /// The signature.
    pub signature: Vec<u8>,
    claims: Vec<u8>,
}

/// Why a text is no access token of this system, whatever its signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    /// Longer than [`TOKEN_LENGTH_MAX`].
    #[error("too long")]
    TooLong,
    /// Not three parts with a dot between.
    #[error("not three parts")]
    Parts,
    /// A part that is not canonical base64url without padding.
    #[error("not base64url")]
    Base64,
    /// A header that is not exactly `typ`, `alg` and `kid`, each a text and each once: one with
    /// `crit`, `jku`, `jwk`, `x5u`, `x5c`, `b64` or `zip` too.
    #[error("a header with other members than typ, alg and kid")]
    Header,
    /// Another type than an access token's.
    #[error("not the type of an access token")]
    Type,
    /// An algorithm that is not one of ours: `none` and the symmetric ones too.
    #[error("not an algorithm of ours")]
    Algorithm,
    /// A key id of another form than ours.
    #[error("not a key id")]
    KeyId,
    /// Claims that are missing, repeated or of a wrong type.
    #[error("claims that are missing, repeated or of a wrong type")]
    Claims,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    #[serde(borrow)]
    typ: Cow<'a, str>,
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    kid: Cow<'a, str>,
}

/// Takes a token apart. Looks at nothing but the text: whether the key exists and has signed it is
/// to be asked next.
pub fn parse(token: &str) -> Result<Jws<'_>, Unreadable> {
    if token.len() > TOKEN_LENGTH_MAX {
        return Err(Unreadable::TooLong);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Unreadable::Parts)?;
    let (header, claims) = signed.split_once('.').ok_or(Unreadable::Parts)?;
    if [header, claims, signature]
        .iter()
        .any(|part| part.is_empty() || part.contains('.'))
    {
        return Err(Unreadable::Parts);
    }
    let decoded = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| Unreadable::Base64);
    let header = decoded(header)?;
    let header: Header<'_> = object(&header).ok_or(Unreadable::Header)?;
    if !is_access_token_type(&header.typ) {
        return Err(Unreadable::Type);
    }
    Ok(Jws {
        key_id: header.kid.parse().map_err(|_| Unreadable::KeyId)?,
        algorithm: SigningAlgorithm::parse(&header.alg).ok_or(Unreadable::Algorithm)?,
        signed,
        signature: decoded(signature)?,
        claims: decoded(claims)?,
    })
}

impl Jws<'_> {
    /// What the token says. Ask only when its signature is known to be good.
    pub fn claims(&self) -> Result<Claims, Unreadable> {
        object(&self.claims).ok_or(Unreadable::Claims)
    }
}

/// Media types are compared without case (RFC 9068 section 2.1, RFC 2045 section 5.1).
fn is_access_token_type(word: &str) -> bool {
    let start = word.get(..MEDIA_TYPE_START.len());
    let short = match start {
        Some(start) if start.eq_ignore_ascii_case(MEDIA_TYPE_START) => &word[start.len()..],
        _ => word,
    };
    short.eq_ignore_ascii_case(ACCESS_TOKEN_TYPE)
}

/// A JSON object. What reads an object by its members would take an array of them too, in order.
fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    (json.first() == Some(&b'{'))
        .then(|| serde_json::from_slice(json).ok())
        .flatten()
}
