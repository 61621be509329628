//! The private half of a signing key, ready to sign, and the public half in its two forms.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_model::apis::SigningAlgorithm;
use serde_json::json;

/// Bytes of a coordinate of P-256.
const COORDINATE_BYTES: usize = 32;
/// Bytes of a signature of ES256 and `EdDSA`.
const CURVE_SIGNATURE_BYTES: usize = 64;

/// A parsed key pair. Parsing costs more than signing with some of them, so it is done once.
pub(super) enum Pair {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl Pair {
    /// The key pair that `pkcs8` holds; none when it holds no such.
    pub(super) fn parse(algorithm: SigningAlgorithm, pkcs8: &[u8]) -> Option<Self> {
        match algorithm {
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
                    .ok()
                    .map(Self::Es256)
            }
            SigningAlgorithm::Rs256 => RsaKeyPair::from_pkcs8(pkcs8).ok().map(Self::Rs256),
            SigningAlgorithm::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).ok().map(Self::EdDsa),
        }
    }

    /// The signature over `message` in the form of JWS (RFC 7518 sections 3.3 and 3.4, RFC 8037
    /// section 3.1).
    pub(super) fn sign(&self, random: &SystemRandom, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Es256(pair) => {
                let signature = pair.sign(random, message).ok()?;
                Some(signature.as_ref().to_vec())
            }
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, random, message, &mut signature)
                    .ok()?;
                Some(signature)
            }
            Self::EdDsa(pair) => Some(pair.try_sign(message).ok()?.as_ref().to_vec()),
        }
    }

    /// Bytes of its signatures.
    pub(super) fn signature_bytes(&self) -> usize {
        match self {
            Self::Es256(_) | Self::EdDsa(_) => CURVE_SIGNATURE_BYTES,
            Self::Rs256(pair) => pair.public_modulus_len(),
        }
    }

    /// The public half as signatures are verified with it: the point, the `RSAPublicKey` in DER,
    /// or the 32 bytes of Ed25519.
    pub(super) fn public_key(&self) -> &[u8] {
        match self {
            Self::Es256(pair) => pair.public_key().as_ref(),
            Self::Rs256(pair) => pair.public_key().as_ref(),
            Self::EdDsa(pair) => pair.public_key().as_ref(),
        }
    }

    /// The public half as a JWK (RFC 7518 section 6, RFC 8037 section 2), without `kid`, `alg` and
    /// `use`.
    pub(super) fn public_jwk(&self) -> Option<String> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let public = self.public_key();
        let jwk = match self {
            Self::Es256(_) => {
                // 4 says that both coordinates follow (SEC 1 section 2.3.3).
                let (&4, point) = public.split_first()? else {
                    return None;
                };
                let (x, y) = point.split_at_checked(COORDINATE_BYTES)?;
                json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)})
            }
            Self::Rs256(_) => {
                let (modulus, exponent) = rsa_numbers(public)?;
                json!({"kty": "RSA", "n": text(modulus), "e": text(exponent)})
            }
            Self::EdDsa(_) => json!({"kty": "OKP", "crv": "Ed25519", "x": text(public)}),
        };
        Some(jwk.to_string())
    }
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 appendix A.1.1), without leading zeros.
fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, after) = der_value(0x30, der)?;
    let (modulus, rest) = der_value(0x02, body)?;
    let (exponent, nothing) = der_value(0x02, rest)?;
    // An integer whose first bit is set has a zero before it.
    let bare = |number: &'_ [u8]| number.iter().position(|byte| *byte != 0);
    (after.is_empty() && nothing.is_empty()).then_some(())?;
    Some((
        modulus.get(bare(modulus)?..)?,
        exponent.get(bare(exponent)?..)?,
    ))
}

/// The content of the DER value with this tag, and what follows it.
fn der_value(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let length = digits.iter().try_fold(0_usize, |length, digit| {
            length.checked_mul(256)?.checked_add(usize::from(*digit))
        })?;
        (length, rest)
    };
    (found == tag).then(|| rest.split_at_checked(length))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Sources;

    #[test]
    fn a_public_half_has_the_members_of_its_kind() {
        let sources = Sources::system().unwrap();
        for (algorithm, members) in [
            (SigningAlgorithm::Es256, vec!["crv", "kty", "x", "y"]),
            (SigningAlgorithm::Rs256, vec!["e", "kty", "n"]),
            (SigningAlgorithm::EdDsa, vec!["crv", "kty", "x"]),
        ] {
            let pkcs8 = sources.signing_key(algorithm).unwrap();
            let pair = Pair::parse(algorithm, &pkcs8).unwrap();
            let jwk: serde_json::Value = serde_json::from_str(&pair.public_jwk().unwrap()).unwrap();
            let mut names: Vec<&str> = jwk
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            names.sort_unstable();
            assert_eq!(names, members);
            let bytes = |member: &str| {
                let text = jwk[member].as_str().unwrap();
                URL_SAFE_NO_PAD.decode(text).unwrap()
            };
            match algorithm {
                SigningAlgorithm::Rs256 => {
                    assert_eq!((bytes("n").len(), bytes("e")), (256, vec![1, 0, 1]));
                }
                _ => assert_eq!(bytes("x").len(), 32),
            }
        }
        assert!(Pair::parse(SigningAlgorithm::Rs256, &[0; 40]).is_none());
    }

    #[test]
    fn what_is_no_rsa_key_is_not_read_as_one() {
        assert_eq!(
            rsa_numbers(&[0x30, 6, 2, 2, 0, 200, 2, 1, 3][..8]),
            None,
            "cut off"
        );
        assert_eq!(
            rsa_numbers(&[0x30, 7, 2, 2, 0, 200, 2, 1, 3]),
            Some((&[200][..], &[3][..]))
        );
        for wrong in [
            &[][..],
            &[0x30],
            &[0x30, 0x84, 255, 255, 255, 255],
            &[2, 1, 1],
        ] {
            assert_eq!(rsa_numbers(wrong), None);
        }
    }
}
