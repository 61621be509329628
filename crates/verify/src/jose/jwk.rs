//! Public keys of clients (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
};
use serde_json::{Map, Value};

use super::{ClientAlgorithm, decode, encode, hash_text};

/// Members that make a key a private or a symmetric one (RFC 7518 sections 6.2.2, 6.3.2, 6.4).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// Bytes of an RSA modulus, least and most: 2048 and 8192 bits.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
/// Bytes of an RSA exponent, at most.
const EXPONENT_BYTES_MAX: usize = 4;
/// The longest `kid` that is taken.
const KEY_ID_LENGTH_MAX: usize = 256;

/// The public key of a client, ready for use.
pub struct PublicKey {
    /// What the client calls it.
    pub key_id: Option<String>,
    material: Material,
    /// The only algorithm that it signs with, where it says so itself.
    only: Option<ClientAlgorithm>,
    thumbprint: Thumbprint,
}

enum Material {
    P256(ParsedPublicKey),
    Ed25519(ParsedPublicKey),
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
}

/// SHA-256 of what a key is, without its names (RFC 7638), in base64url: 43 characters.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Thumbprint(Box<str>);

/// Why a key is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadKey {
    /// It is private or symmetric: nobody but its owner may have it.
    #[error("The key has private members. Send the public half alone, and make a new key.")]
    Private,
    /// A type or a curve that is not taken.
    #[error("The key is none of EC with P-256, OKP with Ed25519, and RSA.")]
    Type,
    /// A number of it is missing, not canonical base64url, or of a wrong length.
    #[error("A number of the key is missing, of a wrong length, or not base64url.")]
    Number,
    /// The numbers make no key: a point beside the curve, a modulus or an exponent out of bounds.
    #[error("The numbers of the key make no key of 2048 to 8192 bits, or no point of its curve.")]
    Numbers,
    /// Its `use`, `key_ops` or `alg` say that it does not verify signatures of ours.
    #[error("The key is not for signatures, by its use, key_ops or alg.")]
    Use,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.thumbprint)
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Thumbprint {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text` has the form of a thumbprint.
    pub fn is_one(text: &str) -> bool {
        decode(text).is_some_and(|bytes| bytes.len() == 32)
    }

    fn of(canonical: &str) -> Self {
        Self(hash_text(canonical).into())
    }
}

impl PublicKey {
    /// The key that these members are. Members that we do not know are ignored (RFC 7517 section
    /// 4).
    ///
    /// # Errors
    /// What is wrong with it, of the gravest kind first.
    pub fn from_jwk(members: &Map<String, Value>) -> Result<Self, BadKey> {
        if PRIVATE_MEMBERS
            .iter()
            .any(|name| members.contains_key(*name))
        {
            return Err(BadKey::Private);
        }
        let (material, canonical) = match text(members, "kty") {
            Some("EC") => p256(members)?,
            Some("OKP") => ed25519(members)?,
            Some("RSA") => rsa(members)?,
            Some("oct") => return Err(BadKey::Private),
            _ => return Err(BadKey::Type),
        };
        let key = Self {
            key_id: key_id(members)?,
            only: only_algorithm(members)?,
            thumbprint: Thumbprint::of(&canonical),
            material,
        };
        let is_of_type = key.only.is_none_or(|only| key.is_of_type(only));
        let verifies = is_for_verifying(members) && is_of_type;
        verifies.then_some(key).ok_or(BadKey::Use)
    }

    /// What it is known by (RFC 7638).
    pub fn thumbprint(&self) -> &Thumbprint {
        &self.thumbprint
    }

    /// Whether it may sign with `algorithm`: its type does, and it names no other one itself.
    pub fn signs_with(&self, algorithm: ClientAlgorithm) -> bool {
        self.only.is_none_or(|only| only == algorithm) && self.is_of_type(algorithm)
    }

    /// Whether it made `signature` over `signed` with `algorithm`.
    pub fn has_signed(&self, algorithm: ClientAlgorithm, signed: &[u8], signature: &[u8]) -> bool {
        if !self.signs_with(algorithm) {
            return false;
        }
        match &self.material {
            Material::P256(key) | Material::Ed25519(key) => {
                key.verify_sig(signed, signature).is_ok()
            }
            Material::Rsa { modulus, exponent } => {
                let parameters = match algorithm {
                    ClientAlgorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
                    _ => &RSA_PKCS1_2048_8192_SHA256,
                };
                let components = RsaPublicKeyComponents {
                    n: modulus,
                    e: exponent,
                };
                components.verify(parameters, signed, signature).is_ok()
            }
        }
    }

    fn is_of_type(&self, algorithm: ClientAlgorithm) -> bool {
        match self.material {
            Material::P256(_) => algorithm == ClientAlgorithm::Es256,
            Material::Ed25519(_) => algorithm == ClientAlgorithm::Ed25519,
            Material::Rsa { .. } => {
                matches!(algorithm, ClientAlgorithm::Ps256 | ClientAlgorithm::Rs256)
            }
        }
    }
}

/// A point of P-256, each coordinate with all its bytes (RFC 7518 section 6.2.1.2).
fn p256(members: &Map<String, Value>) -> Result<(Material, String), BadKey> {
    if text(members, "crv") != Some("P-256") {
        return Err(BadKey::Type);
    }
    let (x, y) = (number(members, "x")?, number(members, "y")?);
    if x.len() != 32 || y.len() != 32 {
        return Err(BadKey::Number);
    }
    let point = [&[4][..], &x, &y].concat();
    let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point);
    let (x, y) = (encode(&x), encode(&y));
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    let material = Material::P256(parsed.map_err(|_| BadKey::Numbers)?);
    Ok((material, canonical))
}

fn ed25519(members: &Map<String, Value>) -> Result<(Material, String), BadKey> {
    if text(members, "crv") != Some("Ed25519") {
        return Err(BadKey::Type);
    }
    let x = number(members, "x")?;
    if x.len() != 32 {
        return Err(BadKey::Number);
    }
    let parsed = ParsedPublicKey::new(&ED25519, &x).map_err(|_| BadKey::Numbers)?;
    let x = encode(&x);
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    Ok((Material::Ed25519(parsed), canonical))
}

/// Modulus and exponent without leading zeros (RFC 7518 section 2), so that one key has one
/// thumbprint.
fn rsa(members: &Map<String, Value>) -> Result<(Material, String), BadKey> {
    let (modulus, exponent) = (number(members, "n")?, number(members, "e")?);
    let is_canonical = |number: &[u8]| number.first().is_some_and(|first| *first != 0);
    if !is_canonical(&modulus) || !is_canonical(&exponent) {
        return Err(BadKey::Number);
    }
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    let is_usable = MODULUS_BYTES.contains(&modulus.len())
        && (modulus.len() > *MODULUS_BYTES.start() || modulus[0] & 0x80 != 0)
        && exponent.len() <= EXPONENT_BYTES_MAX
        && is_odd(&modulus)
        && is_odd(&exponent)
        && exponent != [1];
    let components = RsaPublicKeyComponents {
        n: &modulus,
        e: &exponent,
    };
    let parsed = components.to_parsed_public_key(&RSA_PSS_2048_8192_SHA256);
    if !is_usable || parsed.is_err() {
        return Err(BadKey::Numbers);
    }
    let (n, e) = (encode(&modulus), encode(&exponent));
    let canonical = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
    Ok((Material::Rsa { modulus, exponent }, canonical))
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name)?.as_str()
}

fn number(members: &Map<String, Value>, name: &str) -> Result<Vec<u8>, BadKey> {
    text(members, name).and_then(decode).ok_or(BadKey::Number)
}

fn key_id(members: &Map<String, Value>) -> Result<Option<String>, BadKey> {
    match members.get("kid") {
        None => Ok(None),
        Some(Value::String(id)) if id.len() <= KEY_ID_LENGTH_MAX => Ok(Some(id.clone())),
        Some(_) => Err(BadKey::Use),
    }
}

fn only_algorithm(members: &Map<String, Value>) -> Result<Option<ClientAlgorithm>, BadKey> {
    let Some(value) = members.get("alg") else {
        return Ok(None);
    };
    let named = value.as_str().and_then(ClientAlgorithm::parse);
    named.map(Some).ok_or(BadKey::Use)
}

/// Whether `use` and `key_ops`, where they are there, let it verify (RFC 7517 sections 4.2, 4.3).
fn is_for_verifying(members: &Map<String, Value>) -> bool {
    let use_is_right = members.get("use").is_none_or(|value| value == "sig");
    let operations_are_right = members.get("key_ops").is_none_or(|value| {
        let operations = value.as_array();
        operations.is_some_and(|all| all.iter().any(|operation| operation == "verify"))
    });
    use_is_right && operations_are_right
}
