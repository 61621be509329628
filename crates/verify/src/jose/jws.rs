//! The compact form of what a client signed (RFC 7515 section 7.1).

use serde_json::{Map, Value};

use super::{BadKey, ClientAlgorithm, PublicKey, decode, json};

/// The longest text that is looked at, in bytes: room for an RSA key of 8192 bits and its
/// signature.
const LENGTH_MAX: usize = 8 * 1024;
/// Members of a header that change what it means (RFC 7515 section 4.1.11, RFC 7797, RFC 7516
/// section 4.1.3) or name a key in another way than we look for one (RFC 7515 sections 4.1.2,
/// 4.1.5, 4.1.6).
const REFUSED_MEMBERS: [&str; 6] = ["crit", "b64", "zip", "jku", "x5u", "x5c"];

/// A signed text taken apart. Nothing is known of its signature yet, so what it says is still
/// closed.
#[derive(Debug)]
pub struct SignedText<'a> {
    /// Its type, in lower case and without `application/` (RFC 7515 section 4.1.9).
    pub media_type: Option<String>,
    /// With which algorithm it is said to be signed.
    pub algorithm: ClientAlgorithm,
    /// By which key.
    pub key_id: Option<String>,
    /// The key itself, where the header has it (RFC 7515 section 4.1.3).
    pub key: Option<PublicKey>,
    signed: &'a str,
    signature: Vec<u8>,
    claims: Vec<u8>,
}

/// Why a text is no JWS that we read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadJws {
    /// Too long.
    #[error("It is too long.")]
    TooLong,
    /// Not three parts of canonical base64url with a dot between.
    #[error("It is not three parts of base64url with a dot between.")]
    Parts,
    /// A header that is no JSON object, has a member twice, or one of a wrong type.
    #[error("Its header is no JSON object, or has a member twice or of a wrong type.")]
    Header,
    /// A header with members that change its meaning or point elsewhere.
    #[error("Its header may not have crit, b64, zip, jku, x5u or x5c.")]
    Extended,
    /// An algorithm that is not taken.
    #[error("Its alg is none of ES256, EdDSA, Ed25519, PS256 and RS256.")]
    Algorithm,
    /// A key in the header that is not taken.
    #[error(transparent)]
    Key(#[from] BadKey),
}

impl<'a> SignedText<'a> {
    /// Takes a text apart, and looks at nothing but the text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &'a str) -> Result<Self, BadJws> {
        if text.len() > LENGTH_MAX {
            return Err(BadJws::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(BadJws::Parts)?;
        let (header, claims) = signed.split_once('.').ok_or(BadJws::Parts)?;
        let part = |part: &str| {
            let bytes = decode(part).filter(|bytes| !bytes.is_empty());
            bytes.ok_or(BadJws::Parts)
        };
        let (header, claims, signature) = (part(header)?, part(claims)?, part(signature)?);
        let header = json::object(&header).ok_or(BadJws::Header)?;
        if REFUSED_MEMBERS
            .iter()
            .any(|name| header.contains_key(*name))
        {
            return Err(BadJws::Extended);
        }
        let named = text_of(&header, "alg")?.and_then(ClientAlgorithm::parse);
        Ok(Self {
            media_type: text_of(&header, "typ")?.map(essence),
            algorithm: named.ok_or(BadJws::Algorithm)?,
            key_id: text_of(&header, "kid")?.map(str::to_owned),
            key: match header.get("jwk") {
                None => None,
                Some(Value::Object(members)) => Some(PublicKey::from_jwk(members)?),
                Some(_) => return Err(BadJws::Header),
            },
            signed,
            signature,
            claims,
        })
    }

    /// Whether `key` signed it.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.has_signed(self.algorithm, self.signed.as_bytes(), &self.signature)
    }

    /// What it says, if `key` signed it; no answer when the key did not, or when what it says is no
    /// JSON object without ambiguity.
    pub fn claims_signed_by(&self, key: &PublicKey) -> Option<Map<String, Value>> {
        self.is_signed_by(key).then(|| self.unverified_claims())?
    }

    /// What it says, though nobody knows yet who signed it: to find the key with.
    pub fn unverified_claims(&self) -> Option<Map<String, Value>> {
        json::object(&self.claims)
    }
}

fn text_of<'a>(header: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, BadJws> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(BadJws::Header),
    }
}

/// Media types are compared without case, and `application/` may be left out.
fn essence(media_type: &str) -> String {
    let lower = media_type.to_ascii_lowercase();
    let short = lower.strip_prefix("application/");
    short.map(str::to_owned).unwrap_or(lower)
}
