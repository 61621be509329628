//! The only place that reads a clock or makes random bytes.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the one place for clocks and randomness; everybody else takes values"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair,
};
use claviger_model::UnixMillis;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::audit::Salt;
use claviger_model::ids::{IdRandom, RequestId};
use claviger_model::secret::{MINT_RANDOM_BYTES, Plaintext};
use claviger_verify::Now;
use zeroize::Zeroizing;

use crate::stripes::Striped;

/// Clock, random generator and request numbers.
#[derive(Clone, Debug)]
pub struct Sources {
    shift: Arc<AtomicI64>,
    requests: Arc<RequestNumbers>,
}

#[derive(Debug)]
struct RequestNumbers {
    node: [u8; 4],
    start: u64,
    given: Striped<1>,
}

/// The system's random generator failed. Nothing that needs a secret can be done.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system's random generator failed")]
pub struct NoRandom;

impl Sources {
    /// The system's clock and generator.
    pub fn system() -> Result<Self, NoRandom> {
        let node = random::<4>()?;
        let start = u64::from_be_bytes(random::<8>()?) >> 16;
        Ok(Self {
            shift: Arc::default(),
            requests: Arc::new(RequestNumbers {
                node,
                start,
                given: Striped::default(),
            }),
        })
    }

    /// Moves the wall clock of these sources, so that a test need not wait for an expiry.
    pub fn shift_wall_clock(&self, millis: i64) {
        self.shift.fetch_add(millis, Ordering::Relaxed);
    }

    /// Wall time.
    pub fn now(&self) -> UnixMillis {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        UnixMillis(millis).plus_millis(self.shift.load(Ordering::Relaxed))
    }

    /// Both clocks at once.
    pub fn both(&self) -> Now {
        let boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(boot.tv_sec).unwrap_or_default();
        let nanos = u64::try_from(boot.tv_nsec).unwrap_or_default();
        Now {
            wall: self.now(),
            boot_nanos: seconds * 1_000_000_000 + nanos,
        }
    }

    /// Ten random bytes for an identifier.
    pub fn id(&self) -> Result<IdRandom, NoRandom> {
        random()
    }

    /// Random bytes that make the hash of an audit event unguessable.
    pub fn salt(&self) -> Result<Salt, NoRandom> {
        random()
    }

    /// Twelve random bytes for an AES-GCM nonce.
    pub fn nonce(&self) -> Result<[u8; 12], NoRandom> {
        random()
    }

    /// Random bytes for a key.
    pub fn key(&self) -> Result<Zeroizing<[u8; 32]>, NoRandom> {
        random().map(Zeroizing::new)
    }

    /// The generator, for signatures that draw from it themselves.
    pub fn system_random(&self) -> SystemRandom {
        SystemRandom::new()
    }

    /// A new key pair in PKCS #8. One for RS256 takes a good part of a second: not in an
    /// asynchronous task.
    pub fn signing_key(&self, algorithm: SigningAlgorithm) -> Result<Zeroizing<Vec<u8>>, NoRandom> {
        let random = self.system_random();
        let pkcs8 = match algorithm {
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                    .map(|document| document.as_ref().to_vec())
            }
            SigningAlgorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa2048)
                .and_then(|pair| pair.as_der())
                .map(|der| der.as_ref().to_vec()),
            SigningAlgorithm::EdDsa => {
                Ed25519KeyPair::generate_pkcs8(&random).map(|document| document.as_ref().to_vec())
            }
        };
        pkcs8.map(Zeroizing::new).map_err(|_| NoRandom)
    }

    /// A new secret with this prefix.
    pub fn mint(&self, prefix: &str) -> Result<Plaintext, NoRandom> {
        loop {
            let bytes = Zeroizing::new(random::<MINT_RANDOM_BYTES>()?);
            if let Some(secret) = Plaintext::mint(prefix, &bytes) {
                return Ok(secret);
            }
        }
    }

    /// The next request's id: the time, this process's random mark and a counter, so that it costs
    /// no system call. It names a request and proves nothing.
    pub fn request_id(&self) -> RequestId {
        self.request_id_at(self.now())
    }

    /// The same for who has looked at the clock already.
    pub fn request_id_at(&self, at: UnixMillis) -> RequestId {
        let number = self.requests.start.wrapping_add(self.requests.given.add(0));
        let mut tail: IdRandom = [0; 10];
        tail[..6].copy_from_slice(&number.to_be_bytes()[2..]);
        tail[6..].copy_from_slice(&self.requests.node);
        RequestId::new(at, &tail)
    }
}

fn random<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_and_secrets_differ() {
        let sources = Sources::system().unwrap();
        let ids: std::collections::HashSet<_> = (0..1_000).map(|_| sources.request_id()).collect();
        assert_eq!(ids.len(), 1_000);
        let first = sources.mint("ck_live_").unwrap();
        assert_ne!(first.expose(), sources.mint("ck_live_").unwrap().expose());
    }

    #[test]
    fn a_shifted_clock_moves_wall_time_alone() {
        let sources = Sources::system().unwrap();
        let before = sources.both();
        sources.shift_wall_clock(1_000_000);
        let after = sources.both();
        assert!(after.wall.since(before.wall) >= 1_000_000);
        assert!(after.boot_nanos - before.boot_nanos < 1_000_000_000_000);
    }
}
