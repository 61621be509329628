//! Wrong user codes, by the user who enters them and by network (RFC 8628 section 5.1). A user code
//! is short, so unlike a secret it can be guessed, and what is bounded is how often.

use std::convert::Infallible;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use claviger_model::ids::UserId;
use claviger_model::time::UnixMillis;
use quick_cache::sync::Cache;

use crate::network;

/// Users and networks that are remembered.
const REMEMBERED: usize = 20_000;
/// How many wrong codes are answered in a while. Many people can share a network.
const WRONG_OF_USER: u32 = 10;
const WRONG_OF_NETWORK: u32 = 50;
/// The while, in milliseconds: as long as codes live.
const WINDOW_MILLIS: i64 = 10 * 60 * 1_000;

/// What is remembered of wrong user codes.
pub(crate) struct Guesses {
    counts: Cache<u64, Arc<Count>>,
    hasher: RandomState,
}

/// Codes that were not right, or not yet known to be, and when the first of them came.
struct Count(Mutex<(u32, UnixMillis)>);

/// A code under way. It counts as wrong until it is known to be right, so that many at the same
/// time are no more than many one after the other.
pub(super) struct Guess {
    counts: Vec<Arc<Count>>,
}

impl Guesses {
    pub(crate) fn new() -> Self {
        Self {
            counts: Cache::new(REMEMBERED),
            hasher: RandomState::new(),
        }
    }

    /// Counts a code that somebody entered. `Err` says after how many seconds another may be.
    pub(super) fn begin(
        &self,
        user_id: UserId,
        ip: Option<IpAddr>,
        now: UnixMillis,
    ) -> Result<Guess, u32> {
        let of_user = (self.count(&("user", user_id)), WRONG_OF_USER);
        let of_network = ip.map(|ip| self.count(&("network", network::of(ip))));
        let of_network = of_network.map(|count| (count, WRONG_OF_NETWORK));
        let mut guess = Guess { counts: Vec::new() };
        for (count, most) in [Some(of_user), of_network].into_iter().flatten() {
            if let Err(seconds) = count.add(most, now) {
                guess.right();
                return Err(seconds);
            }
            guess.counts.push(count);
        }
        Ok(guess)
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

impl Guess {
    /// It was right: nothing is to be remembered.
    pub(super) fn right(self) {
        for count in self.counts {
            let mut inner = count.0.lock().unwrap_or_else(PoisonError::into_inner);
            inner.0 = inner.0.saturating_sub(1);
        }
    }
}

impl Count {
    fn add(&self, most: u32, now: UnixMillis) -> Result<(), u32> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, since) = *inner;
        let left = WINDOW_MILLIS - now.since(since);
        if count == 0 || left <= 0 {
            *inner = (1, now);
            return Ok(());
        }
        if count >= most {
            let seconds = u32::try_from(left.div_euclid(1_000) + 1);
            return Err(seconds.unwrap_or(u32::MAX));
        }
        inner.0 = count + 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    #[test]
    fn wrong_codes_are_bounded_and_right_ones_are_not() {
        let guesses = Guesses::new();
        let ip: Option<IpAddr> = Some("192.0.2.7".parse().unwrap());
        let begin = |user: u128, now| guesses.begin(UserId(user), ip, now);
        for _ in 0..100 {
            begin(1, NOW).unwrap().right();
        }
        for _ in 0..WRONG_OF_USER {
            begin(1, NOW).unwrap();
        }
        assert_eq!(begin(1, NOW).err(), Some(601));
        let almost = NOW.plus_millis(WINDOW_MILLIS - 1);
        assert_eq!(begin(1, almost).err(), Some(1));
        // Somebody else on the same network, until the network has had enough too.
        for user in 2..=5 {
            for _ in 0..WRONG_OF_USER {
                begin(user, NOW).unwrap();
            }
        }
        assert!(begin(6, NOW).is_err());
        let elsewhere = Some("192.0.2.8".parse().unwrap());
        guesses.begin(UserId(6), elsewhere, NOW).unwrap();
        begin(1, NOW.plus_millis(WINDOW_MILLIS)).unwrap();
    }
}
