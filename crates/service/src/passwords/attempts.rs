//! Recent guesses by e-mail address and by network: each wrong one makes the next one slower, none
//! locks anybody out.

use std::convert::Infallible;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use claviger_model::UnixMillis;
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;

use crate::error::Error;
use crate::network;

/// E-mail addresses and networks that are remembered.
const REMEMBERED: usize = 20_000;
/// Attempts that wait out a delay at the same time.
const DELAYED_MAX: usize = 1_024;
/// Guesses without delay. Many people can share a network.
const FREE_OF_EMAIL: u32 = 3;
const FREE_OF_NETWORK: u32 = 20;
/// The first delay; each further wrong guess doubles it up to the longest.
const DELAY_MILLIS_MIN: u64 = 100;
const DELAY_MILLIS_MAX: u64 = 1_000;
/// Without a further guess for so long, everything is forgotten.
const FORGOTTEN_AFTER_MILLIS: i64 = 15 * 60 * 1_000;

/// What is remembered. Names are kept as hashes, so that long ones take no more room.
pub(super) struct Attempts {
    counts: Cache<u64, Arc<Count>>,
    hasher: RandomState,
    delayed: Semaphore,
}

/// Guesses that were not right, or not yet known to be.
struct Count(Mutex<(u32, UnixMillis)>);

/// A guess under way. It counts as wrong until it succeeds, so that guesses at the same time slow
/// each other down as well.
pub(super) struct Attempt {
    email: Arc<Count>,
    network: Option<Arc<Count>>,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Self {
            counts: Cache::new(REMEMBERED),
            hasher: RandomState::new(),
            delayed: Semaphore::new(DELAYED_MAX),
        }
    }

    /// Counts a guess and waits as long as those before it demand.
    pub(super) async fn begin(
        &self,
        email: &str,
        ip: Option<IpAddr>,
        now: UnixMillis,
    ) -> Result<Attempt, Error> {
        let email = self.count(&("email", email));
        let network = ip.map(|ip| self.count(&("network", network::of(ip))));
        let of_email = delay(email.add(now), FREE_OF_EMAIL);
        let of_network = network
            .as_ref()
            .map(|network| delay(network.add(now), FREE_OF_NETWORK));
        let delay = of_email.max(of_network.unwrap_or_default());
        if !delay.is_zero() {
            let Ok(_place) = self.delayed.try_acquire() else {
                return Err(Error::too_many(
                    "Too many wrong passwords at the moment.",
                    1,
                ));
            };
            tokio::time::sleep(delay).await;
        }
        Ok(Attempt { email, network })
    }

    fn count(&self, name: &impl Hash) -> Arc<Count> {
        let key = self.hasher.hash_one(name);
        let fresh = || Ok::<_, Infallible>(Arc::new(Count(Mutex::new((0, UnixMillis(0))))));
        match self.counts.get_or_insert_with(&key, fresh) {
            Ok(count) => count,
            Err(never) => match never {},
        }
    }
}

impl Attempt {
    /// It was right: the e-mail address starts anew. The network keeps what others did there.
    pub(super) fn succeeded(self) {
        self.email.set(|_| 0);
        if let Some(network) = self.network {
            network.set(|count| count.saturating_sub(1));
        }
    }
}

impl Count {
    /// Adds one; gives how many there were before.
    fn add(&self, now: UnixMillis) -> u32 {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, last) = *inner;
        let before = if now.since(last) > FORGOTTEN_AFTER_MILLIS {
            0
        } else {
            count
        };
        *inner = (before.saturating_add(1), now);
        before
    }

    fn set(&self, change: impl FnOnce(u32) -> u32) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.0 = change(inner.0);
    }
}

/// How long a guess waits after `before` others of which `free` cost nothing.
fn delay(before: u32, free: u32) -> Duration {
    let Some(counted) = before.checked_sub(free) else {
        return Duration::ZERO;
    };
    let millis = DELAY_MILLIS_MIN << counted.min(16);
    Duration::from_millis(millis.min(DELAY_MILLIS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_end_at_the_longest() {
        let millis = |before| delay(before, FREE_OF_EMAIL).as_millis();
        assert_eq!([0, 2, 3, 4, 5].map(millis), [0, 0, 100, 200, 400]);
        assert_eq!([7, 50, u32::MAX].map(millis), [1_000; 3]);
    }

    #[tokio::test]
    async fn success_clears_the_address_and_time_forgets() {
        let attempts = Attempts::new();
        let ip: IpAddr = "192.0.2.7".parse().unwrap();
        let begin = |now| attempts.begin("ana@acme.test", Some(ip), UnixMillis(now));
        for _ in 0..3 {
            begin(0).await.unwrap();
        }
        let email = attempts.count(&("email", "ana@acme.test"));
        assert_eq!(email.0.lock().unwrap().0, 3);
        begin(0).await.unwrap().succeeded();
        assert_eq!(email.0.lock().unwrap().0, 0);
        let shared = attempts.count(&("network", network::of(ip)));
        assert_eq!(shared.0.lock().unwrap().0, 3);
        begin(FORGOTTEN_AFTER_MILLIS + 1).await.unwrap();
        assert_eq!(shared.0.lock().unwrap().0, 1);
    }
}
