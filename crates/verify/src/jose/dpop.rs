//! Proofs that the sender of a request holds a key (DPoP, RFC 9449).
//!
//! What is pure is here: that a proof is for this request, made by its key and made now. That it
//! was not used before, and the nonce, are the caller's to ask.

use claviger_model::UnixMillis;
use serde_json::{Map, Value};

use super::url::normalised;
use super::{BadJws, SignedText, Thumbprint, hash_text, seconds};

/// How far `iat` may be from now, in seconds, in both directions.
pub const PROOF_LEEWAY_SECONDS: i64 = 60;
/// The longest `jti` that is taken, in bytes.
const ID_LENGTH_MAX: usize = 256;
/// The `typ` of a proof.
const PROOF_TYPE: &str = "dpop+jwt";

/// What a proof has to be for.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The address of the request; query and fragment do not count.
    pub url: &'a str,
    /// The access token beside it, at a resource.
    pub access_token: Option<&'a str>,
    /// Now.
    pub now: UnixMillis,
}

/// A good proof.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proof {
    /// The key that made it.
    pub key: Thumbprint,
    /// Its id, which its key uses once.
    pub id: String,
    /// From when it is not good any more, whatever else happens.
    pub expires_at: UnixMillis,
    /// The nonce in it.
    pub nonce: Option<String>,
}

/// Why a proof is not good (RFC 9449 section 4.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadProof {
    /// It is no JWS that we read.
    #[error("The DPoP proof cannot be read. {0}")]
    Unreadable(#[from] BadJws),
    /// Another type.
    #[error("The DPoP proof has not the typ dpop+jwt.")]
    Type,
    /// No key.
    #[error("The DPoP proof has no jwk in its header.")]
    NoKey,
    /// Its own key did not sign it.
    #[error("The signature of the DPoP proof is not by the key in its header.")]
    Signature,
    /// `jti`, `htm`, `htu`, `iat` or `ath` is missing or of a wrong type.
    #[error("A claim of the DPoP proof is missing or of a wrong type: jti, htm, htu, iat, ath.")]
    Claims,
    /// For another method.
    #[error("The htm of the DPoP proof is not the method of this request.")]
    Method,
    /// For another address.
    #[error("The htu of the DPoP proof is not the address of this request.")]
    Url,
    /// Made too long ago, or in the future.
    #[error(
        "The iat of the DPoP proof is more than {PROOF_LEEWAY_SECONDS} seconds away. Make a new \
         proof for each request, and check the clock."
    )]
    Time,
    /// For another access token.
    #[error("The ath of the DPoP proof is not the hash of this access token.")]
    TokenHash,
}

/// Checks a proof.
///
/// # Errors
/// The first thing that is wrong, in the order of RFC 9449 section 4.3.
pub fn check(proof: &str, expected: &Expected<'_>) -> Result<Proof, BadProof> {
    let text = SignedText::parse(proof)?;
    if text.media_type.as_deref() != Some(PROOF_TYPE) {
        return Err(BadProof::Type);
    }
    let key = text.key.as_ref().ok_or(BadProof::NoKey)?;
    let claims = text.claims_signed_by(key).ok_or(BadProof::Signature)?;
    let id = string(&claims, "jti")?;
    let (method, url) = (string(&claims, "htm")?, string(&claims, "htu")?);
    let issued_at = seconds(&claims, "iat").ok_or(BadProof::Claims)?;
    if id.is_empty() || id.len() > ID_LENGTH_MAX {
        return Err(BadProof::Claims);
    }
    if method != expected.method {
        return Err(BadProof::Method);
    }
    if normalised(url).is_none() || normalised(url) != normalised(expected.url) {
        return Err(BadProof::Url);
    }
    let leeway = PROOF_LEEWAY_SECONDS.saturating_mul(1_000);
    let issued_at = UnixMillis(issued_at.saturating_mul(1_000));
    if expected.now.0.abs_diff(issued_at.0) > leeway.unsigned_abs() {
        return Err(BadProof::Time);
    }
    if let Some(token) = expected.access_token
        && string(&claims, "ath")? != hash_text(token)
    {
        return Err(BadProof::TokenHash);
    }
    Ok(Proof {
        key: key.thumbprint().clone(),
        id: id.to_owned(),
        expires_at: issued_at.plus_millis(leeway),
        nonce: match claims.get("nonce") {
            None => None,
            Some(Value::String(nonce)) => Some(nonce.clone()),
            Some(_) => return Err(BadProof::Claims),
        },
    })
}

fn string<'a>(claims: &'a Map<String, Value>, name: &str) -> Result<&'a str, BadProof> {
    let value = claims.get(name).and_then(Value::as_str);
    value.ok_or(BadProof::Claims)
}
