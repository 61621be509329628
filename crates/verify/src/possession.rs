//! Whether the sender of an access token holds the key that the token is bound to (RFC 9449
//! section 7).
//!
//! 1. A token without key is sent as `Bearer`, one with a key as `DPoP`, and neither the other way.
//! 2. The proof is for this request and this token, and by the key of the token.
//! 3. It carries a nonce of ours, where these are asked for.
//! 4. It was not used before at this node. What is remembered is bounded: the most recent ones.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_model::UnixMillis;
use claviger_model::keyring::Keyring;
use quick_cache::sync::Cache;

use crate::jose::dpop::{self, BadProof, Expected, Proof};

/// How long one nonce is given out, in milliseconds. It is taken during the next such time too.
const NONCE_MILLIS: i64 = 120_000;
/// Proofs that are remembered: of two minutes at 1,600 requests a second.
const REMEMBERED: usize = 200_000;

/// The word before a credential in the `Authorization` header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scheme {
    /// `Bearer` (RFC 6750).
    #[default]
    Bearer,
    /// `DPoP` (RFC 9449).
    Dpop,
}

/// How a credential was sent. Its `Debug` shows no proof.
#[derive(Clone, Copy, Default)]
pub struct Sent<'a> {
    /// The word before it.
    pub scheme: Scheme,
    /// The proof beside it: the one `DPoP` header.
    pub proof: Option<&'a str>,
    /// Where the request went.
    pub url: RequestUrl<'a>,
}

/// The address of a request. Queries do not count.
#[derive(Clone, Copy, Debug, Default)]
pub enum RequestUrl<'a> {
    /// The caller does not know.
    #[default]
    Unknown,
    /// All of it.
    Whole(&'a str),
    /// A path below a base URL without slash at its end.
    Below {
        /// The base URL.
        base: &'a str,
        /// The path.
        path: &'a str,
    },
    /// As a gateway names it.
    Forwarded {
        /// `https` or `http`.
        scheme: &'a str,
        /// The host, with its port where it has one.
        host: &'a str,
        /// The path, with its query where it has one.
        target: &'a str,
    },
}

/// Why nobody knows that the sender of a token holds its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unproven {
    /// A credential without key, sent as one with a key.
    #[error("This credential is not bound to a key. Send it as Authorization: Bearer.")]
    NotBound,
    /// A token with a key, sent as one without.
    #[error("This access token is bound to a key. Send it as Authorization: DPoP, with a proof.")]
    Bound,
    /// No proof.
    #[error("The header DPoP with the proof is missing.")]
    Missing,
    /// The gateway did not say where the request went.
    #[error("The address of this request is not known here, so no DPoP proof can be checked.")]
    UrlUnknown,
    /// A proof that is not good for this request.
    #[error(transparent)]
    Bad(#[from] BadProof),
    /// A proof by another key.
    #[error("The key of the DPoP proof is not the one that this access token is bound to.")]
    WrongKey,
    /// No nonce of ours, or an old one.
    #[error("The DPoP proof needs the nonce of the header DPoP-Nonce.")]
    Nonce,
    /// A proof that was used before.
    #[error("This DPoP proof was used before. Make a new one, with a jti of its own, each time.")]
    Used,
}

/// What a proof has to carry so that it was made lately (RFC 9449 section 8). Nodes of one master
/// key take each other's, and keep none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Nonce([u8; 16]);

/// What proofs of possession have to be, and those that were used.
pub(crate) struct Proofs {
    asks_for_nonces: bool,
    /// Made when it is first needed: most instances never do.
    used: OnceLock<Cache<[u8; 16], ()>>,
}

impl fmt::Debug for Sent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent")
            .field("scheme", &self.scheme)
            .field("has_proof", &self.proof.is_some())
            .field("url", &self.url)
            .finish()
    }
}

impl fmt::Debug for Proofs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = self.used.get().map_or(0, Cache::len);
        write!(f, "Proofs({used} used)")
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl Scheme {
    /// The scheme that a word names, in any case (RFC 9110 section 11.1).
    pub fn parse(word: &str) -> Option<Self> {
        if word.eq_ignore_ascii_case("bearer") {
            return Some(Self::Bearer);
        }
        word.eq_ignore_ascii_case("dpop").then_some(Self::Dpop)
    }
}

impl Sent<'_> {
    /// As a credential without key is sent.
    pub const BEARER: Self = Self {
        scheme: Scheme::Bearer,
        proof: None,
        url: RequestUrl::Unknown,
    };
}

impl Unproven {
    /// The `error` of a challenge (RFC 9449 section 7.1).
    pub const fn error(self) -> &'static str {
        match self {
            Self::NotBound | Self::Bound | Self::WrongKey => "invalid_token",
            Self::Nonce => "use_dpop_nonce",
            Self::Missing | Self::UrlUnknown | Self::Bad(_) | Self::Used => "invalid_dpop_proof",
        }
    }
}

impl RequestUrl<'_> {
    fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Unknown => None,
            Self::Whole(url) => Some(Cow::Borrowed(url)),
            Self::Below { base, path } => Some(format!("{base}{path}").into()),
            Self::Forwarded {
                scheme,
                host,
                target,
            } => Some(format!("{scheme}://{host}{target}").into()),
        }
    }
}

impl Nonce {
    /// The one that is given out now.
    pub fn at(keyring: &Keyring, now: UnixMillis) -> Option<Self> {
        Self::of(keyring, keyring.current_version(), period(now))
    }

    /// Whether `text` is one that was given out lately. Clocks of nodes differ, so the next one is
    /// taken too; and while the master key is replaced, those of each live version.
    pub fn is_recent(keyring: &Keyring, text: &str, now: UnixMillis) -> bool {
        let Ok(sent) = URL_SAFE_NO_PAD.decode(text) else {
            return false;
        };
        let lately = period(now) - 1..=period(now) + 1;
        keyring.checks().any(|(version, _)| {
            let mut nonces = lately.clone();
            nonces.any(|at| {
                Self::of(keyring, version, at).is_some_and(|nonce| nonce.0[..] == sent[..])
            })
        })
    }

    fn of(keyring: &Keyring, version: u8, period: i64) -> Option<Self> {
        // No secret has a space, so that this is the hash of none.
        let hash = keyring.hash_secret(version, &format!("dpop nonce {period}"))?;
        hash.first_chunk().copied().map(Self)
    }
}

fn period(now: UnixMillis) -> i64 {
    now.0.div_euclid(NONCE_MILLIS)
}

impl Proofs {
    pub(crate) const fn new(asks_for_nonces: bool) -> Self {
        Self {
            asks_for_nonces,
            used: OnceLock::new(),
        }
    }

    /// Whether `credential`, which is bound to the key `jkt` or to none, was sent by somebody who
    /// holds that key.
    pub(crate) fn check(
        &self,
        keyring: &Keyring,
        (credential, jkt): (&str, Option<&str>),
        (sent, method): (&Sent<'_>, Option<&str>),
        now: UnixMillis,
    ) -> Result<(), Unproven> {
        let jkt = match (sent.scheme, jkt) {
            (Scheme::Bearer, None) => return Ok(()),
            (Scheme::Bearer, Some(_)) => return Err(Unproven::Bound),
            (Scheme::Dpop, None) => return Err(Unproven::NotBound),
            (Scheme::Dpop, Some(jkt)) => jkt,
        };
        let proof = sent.proof.ok_or(Unproven::Missing)?;
        let url = sent.url.text();
        let (Some(url), Some(method)) = (url.as_deref(), method) else {
            return Err(Unproven::UrlUnknown);
        };
        let expected = Expected {
            method,
            url,
            access_token: Some(credential),
            now,
        };
        let proof = dpop::check(proof, &expected)?;
        if proof.key.as_str() != jkt {
            return Err(Unproven::WrongKey);
        }
        let is_recent = |nonce: &String| Nonce::is_recent(keyring, nonce, now);
        if self.asks_for_nonces && !proof.nonce.as_ref().is_some_and(is_recent) {
            return Err(Unproven::Nonce);
        }
        if !self.is_first_use(&proof) {
            return Err(Unproven::Used);
        }
        Ok(())
    }

    fn is_first_use(&self, proof: &Proof) -> bool {
        let used = self.used.get_or_init(|| Cache::new(REMEMBERED));
        let name = format!("{} {}", proof.key, proof.id);
        let hash = digest(&SHA256, name.as_bytes());
        let Some(name) = hash.as_ref().first_chunk() else {
            return false;
        };
        let mut is_first = false;
        let noted = used.get_or_insert_with(name, || {
            is_first = true;
            Ok::<_, Infallible>(())
        });
        match noted {
            Ok(()) => is_first,
            Err(never) => match never {},
        }
    }
}
