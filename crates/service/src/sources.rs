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

/// How far the wall clock may go from where it should be before nothing is believed of it, in
/// milliseconds.
const JUMP_MILLIS: i64 = 30_000;

/// Clock, random generator and request numbers.
///
/// The wall clock can be set, the clock since boot cannot. As long as the two agree, time is what
/// the wall clock says; behind a jump it goes on from what it was, so that nothing that has expired
/// works again and nothing expires early.
#[derive(Clone, Debug)]
pub struct Sources {
    shift: Arc<AtomicI64>,
    /// The wall time at boot, in milliseconds, as it is believed.
    boot_wall: Arc<AtomicI64>,
    /// By how many milliseconds the wall clock was off when the lease was ended because of it.
    noted: Arc<AtomicI64>,
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

/// Why nothing can be minted.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum CannotMint {
    /// There are no random bytes.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
    /// The clock jumped: nobody knows when what is issued now would end.
    #[error("the clock jumped")]
    Clock,
}

impl Sources {
    /// The system's clock and generator.
    pub fn system() -> Result<Self, NoRandom> {
        let node = random::<4>()?;
        let start = u64::from_be_bytes(random::<8>()?) >> 16;
        Ok(Self {
            shift: Arc::default(),
            noted: Arc::default(),
            boot_wall: Arc::new(AtomicI64::new(wall_millis() - millis(boot_nanos()))),
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
        self.both().wall
    }

    /// Both clocks at once.
    pub fn both(&self) -> Now {
        let (boot_nanos, wall) = (boot_nanos(), wall_millis());
        let expected = millis(boot_nanos).saturating_add(self.boot_wall.load(Ordering::Relaxed));
        let off = wall - expected;
        // A jump forward that nobody has noted is shown as it is: leases end by it, because a
        // machine that was paused comes back like that, and knows nothing of what was revoked.
        let believed = if is_jump(off) && !self.is_new(off) {
            expected
        } else {
            wall
        };
        Now {
            wall: self.shifted(believed),
            boot_nanos,
        }
    }

    /// By how many milliseconds the wall clock is off, when that is too much.
    pub fn clock_jump(&self) -> Option<i64> {
        let off = wall_millis() - millis(boot_nanos()) - self.boot_wall.load(Ordering::Relaxed);
        is_jump(off).then_some(off)
    }

    /// By how much the wall clock has jumped forward since a jump was noted last.
    pub(crate) fn new_jump(&self) -> Option<i64> {
        self.clock_jump().filter(|off| self.is_new(*off))
    }

    /// Notes a jump: from now on time goes on from where it was. Who says so has ended the lease.
    pub(crate) fn note_jump(&self, off_millis: i64) {
        self.noted.store(off_millis, Ordering::Release);
    }

    fn is_new(&self, off_millis: i64) -> bool {
        off_millis.saturating_sub(self.noted.load(Ordering::Acquire)) > JUMP_MILLIS
    }

    /// Nothing is issued when the clock is off too much.
    pub(crate) fn refuse_jumped_clock(&self) -> Result<(), CannotMint> {
        match self.clock_jump() {
            None => Ok(()),
            Some(_) => Err(CannotMint::Clock),
        }
    }

    /// Follows a clock that is set slowly, as the time services of machines do; by how much one is
    /// off that jumped.
    pub(crate) fn follow_clock(&self) -> Option<i64> {
        let jump = self.clock_jump();
        if jump.is_none() {
            self.believe_clock();
        }
        jump
    }

    /// Takes the time that the wall clock says.
    pub(crate) fn believe_clock(&self) {
        let boot_wall = wall_millis() - millis(boot_nanos());
        self.boot_wall.store(boot_wall, Ordering::Relaxed);
        self.noted.store(0, Ordering::Release);
    }

    fn shifted(&self, wall: i64) -> UnixMillis {
        UnixMillis(wall).plus_millis(self.shift.load(Ordering::Relaxed))
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

    /// A new secret with this prefix: none as long as nobody knows what time it is.
    pub fn mint(&self, prefix: &str) -> Result<Plaintext, CannotMint> {
        self.refuse_jumped_clock()?;
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

fn wall_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

fn boot_nanos() -> u64 {
    let boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(boot.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(boot.tv_nsec).unwrap_or_default();
    seconds * 1_000_000_000 + nanos
}

fn millis(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}

fn is_jump(off_millis: i64) -> bool {
    off_millis.unsigned_abs() > JUMP_MILLIS.unsigned_abs()
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

    #[test]
    fn behind_a_jump_time_goes_on_and_nothing_is_minted() {
        for jump in [-3_600_000, 31_000] {
            let sources = Sources::system().unwrap();
            let before = sources.now();
            sources.boot_wall.fetch_sub(jump, Ordering::Relaxed);
            let off = sources.clock_jump().unwrap();
            assert!((off - jump).abs() < 1_000, "{off}");
            // Only one forward can be that of a machine that was paused.
            assert_eq!(sources.new_jump().is_some(), jump > 0);
            sources.note_jump(off);
            assert_eq!(sources.new_jump(), None);
            // What is believed is where the clock was when it was believed last.
            assert!((sources.now().0 - (before.0 - jump)).abs() < 1_000);
            assert!(matches!(sources.mint("ck_live_"), Err(CannotMint::Clock)));
            assert!(sources.follow_clock().is_some());
            sources.believe_clock();
            assert_eq!(sources.clock_jump(), None);
            assert!(sources.mint("ck_live_").is_ok());
            assert!((sources.now().0 - before.0).abs() < 10_000);
        }
    }

    #[test]
    fn a_clock_that_is_set_slowly_is_followed() {
        let sources = Sources::system().unwrap();
        for _ in 0..100 {
            sources.boot_wall.fetch_add(20_000, Ordering::Relaxed);
            assert_eq!(sources.follow_clock(), None);
        }
        assert!(sources.mint("ck_live_").is_ok());
    }
}
