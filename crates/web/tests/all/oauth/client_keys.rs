//! Keys that clients make, and what they sign with them.

use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256,
};
use aws_lc_rs::test::rand::FixedByteRandom;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub(crate) enum ClientKey {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl ClientKey {
    pub(crate) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("done"))
    }

    pub(crate) fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().expect("done"))
    }

    pub(crate) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("done"))
    }

    pub(crate) fn jwk(&self) -> Value {
        match self {
            Self::P256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (base64(&point[1..33]), base64(&point[33..]));
                json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})
            }
            Self::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": base64(pair.public_key())})
            }
            Self::Rsa(pair) => {
                // An RSAPublicKey in DER (RFC 8017 appendix A.1.1) of 2048 bits: two heads, a zero,
                // the modulus, a head, the exponent.
                let der = pair.public_key().as_ref();
                let (n, e) = (&der[9..265], &der[267..]);
                json!({"kty": "RSA", "n": base64(n), "e": base64(e)})
            }
        }
    }

    /// How it signs, the usual way first.
    pub(crate) fn algorithms(&self) -> &'static [&'static str] {
        match self {
            Self::P256(_) => &["ES256"],
            Self::Ed25519(_) => &["EdDSA", "Ed25519"],
            Self::Rsa(_) => &["PS256", "RS256"],
        }
    }

    /// A JWS of exactly these texts, signed as the header's `alg` says, or as the key can.
    pub(crate) fn signed_text(&self, header: &str, claims: &str) -> String {
        let random = FixedByteRandom { byte: 7 };
        let signed = format!("{}.{}", base64(header), base64(claims));
        let message = signed.as_bytes();
        let signature = match self {
            Self::P256(pair) => pair.sign(&random, message).expect("done").as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let is_pss = header.contains("PS256");
                let padding: &dyn aws_lc_rs::signature::RsaEncoding = if is_pss {
                    &RSA_PSS_SHA256
                } else {
                    &RSA_PKCS1_SHA256
                };
                pair.sign(padding, &random, message, &mut signature)
                    .expect("done");
                signature
            }
        };
        format!("{signed}.{}", base64(signature))
    }

    pub(crate) fn signed(&self, header: &Value, claims: &Value) -> String {
        self.signed_text(&header.to_string(), &claims.to_string())
    }

    /// A proof with this claims (RFC 9449 section 4.2).
    pub(crate) fn proof(&self, claims: &Value) -> String {
        let alg = self.algorithms()[0];
        let header = json!({"typ": "dpop+jwt", "alg": alg, "jwk": self.jwk()});
        self.signed(&header, claims)
    }
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
