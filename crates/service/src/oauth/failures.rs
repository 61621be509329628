//! Wrong client secrets, by the network that they come from. Secrets are random, so nobody guesses
//! one; what is bounded is the noise. A right secret is never refused nor slowed, whatever came
//! before from the same address.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use claviger_model::limits::RateLimit;
use claviger_verify::limits::Limiter;
use quick_cache::sync::Cache;

use crate::network;

/// Networks that are remembered.
const REMEMBERED: usize = 20_000;
/// Wrong secrets that are answered one by one: fifty at once, then one each second.
const ANSWERED: RateLimit = RateLimit {
    limit: 50,
    window_seconds: 50,
};

/// What is remembered of wrong secrets.
pub(crate) struct Failures {
    limiters: Cache<u128, Arc<Limiter>>,
}

impl Failures {
    pub(crate) fn new() -> Self {
        Self {
            limiters: Cache::new(REMEMBERED),
        }
    }

    /// Counts a wrong secret. `Err` says after how many seconds the next one is answered.
    pub(super) fn count(&self, ip: Option<IpAddr>, boot_nanos: u64) -> Result<(), u32> {
        let Some(ip) = ip else { return Ok(()) };
        let fresh = || Ok::<_, Infallible>(Arc::new(Limiter::new(ANSWERED)));
        let limiter = match self.limiters.get_or_insert_with(&network::of(ip), fresh) {
            Ok(limiter) => limiter,
            Err(never) => match never {},
        };
        let Err(state) = limiter.take(boot_nanos) else {
            return Ok(());
        };
        let seconds = state.retry_millis.div_ceil(1_000).max(1);
        Err(u32::try_from(seconds).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_burst_is_answered_and_then_one_a_second() {
        let failures = Failures::new();
        let one = Some("192.0.2.7".parse().unwrap());
        for _ in 0..50 {
            assert_eq!(failures.count(one, SECOND), Ok(()));
        }
        assert_eq!(failures.count(one, SECOND), Err(1));
        assert_eq!(failures.count(one, 2 * SECOND), Ok(()));
        assert_eq!(failures.count(one, 2 * SECOND), Err(1));
        let other = Some("192.0.2.8".parse().unwrap());
        assert_eq!(failures.count(other, SECOND), Ok(()));
    }

    #[test]
    fn a_flood_from_everywhere_takes_bounded_memory() {
        let failures = Failures::new();
        for address in 0..100_000_u32 {
            failures
                .count(Some(IpAddr::V4(address.into())), SECOND)
                .unwrap();
        }
        assert!(failures.limiters.len() <= REMEMBERED);
    }
}
