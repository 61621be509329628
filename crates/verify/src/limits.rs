//! Rate limits by the generic cell rate algorithm: one atomic per credential.

use std::sync::atomic::{AtomicU64, Ordering};

use claviger_model::limits::RateLimit;

/// A running limit. `arrival` is the theoretical arrival time of the next conforming request on
/// the boot clock, in nanoseconds.
#[derive(Debug)]
pub struct Limiter {
    limit: RateLimit,
    interval_nanos: u64,
    arrival: AtomicU64,
}

/// Where a limit stands after a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateState {
    /// Requests per window.
    pub limit: u32,
    /// Requests that would pass now, at once.
    pub remaining: u32,
    /// Milliseconds until all of `limit` is there again.
    pub reset_millis: u64,
    /// Milliseconds until the next request would pass; zero when one would now.
    pub retry_millis: u64,
}

impl Limiter {
    /// An unused limit.
    pub fn new(limit: RateLimit) -> Self {
        let window_nanos = u64::from(limit.window_seconds) * 1_000_000_000;
        // Rounded up, so that no window ever passes more than the limit says.
        let interval_nanos = window_nanos.div_ceil(u64::from(limit.limit)).max(1);
        Self {
            limit,
            interval_nanos,
            arrival: AtomicU64::new(0),
        }
    }

    /// What it limits to.
    pub const fn limit(&self) -> RateLimit {
        self.limit
    }

    /// Counts a request at `now_nanos`: `Ok` when it passes, `Err` when it has to wait.
    pub fn take(&self, now_nanos: u64) -> Result<RateState, RateState> {
        let tolerance = self.interval_nanos * u64::from(self.limit.limit - 1);
        let mut arrival = self.arrival.load(Ordering::Relaxed);
        loop {
            let base = arrival.max(now_nanos);
            if base - now_nanos > tolerance {
                return Err(self.state(base, now_nanos, tolerance));
            }
            let next = base + self.interval_nanos;
            match self.arrival.compare_exchange_weak(
                arrival,
                next,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(self.state(next, now_nanos, tolerance)),
                Err(found) => arrival = found,
            }
        }
    }

    fn state(&self, arrival: u64, now: u64, tolerance: u64) -> RateState {
        let ahead = arrival - now;
        let full = self.interval_nanos * u64::from(self.limit.limit);
        let remaining = full.saturating_sub(ahead) / self.interval_nanos;
        RateState {
            limit: self.limit.limit,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            reset_millis: ahead.div_ceil(1_000_000),
            retry_millis: ahead.saturating_sub(tolerance).div_ceil(1_000_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(limit: u32, window_seconds: u32) -> Limiter {
        Limiter::new(RateLimit::new(limit, window_seconds).expect("in bounds"))
    }

    #[test]
    fn a_burst_of_the_limit_passes_and_not_one_more() {
        let limiter = limiter(100, 60);
        let now = 5_000_000_000;
        let first = limiter.take(now).expect("passes");
        let expected = RateState {
            limit: 100,
            remaining: 99,
            reset_millis: 600,
            retry_millis: 0,
        };
        assert_eq!(first, expected);
        let passed = (1..500).filter(|_| limiter.take(now).is_ok()).count();
        assert_eq!(passed, 99);
        let refused = limiter.take(now).expect_err("used up");
        assert_eq!((refused.remaining, refused.retry_millis), (0, 600));
        assert!(limiter.take(now + 600_000_000).is_ok());
        assert!(limiter.take(now + 600_000_000).is_err());
    }

    #[test]
    fn odd_ratios_never_pass_more_than_the_limit_at_once() {
        for (limit, window) in [(1, 1), (7, 1), (600_000_000, 1), (3, 86_400)] {
            let limiter = limiter(limit, window);
            let passed = (0..20).filter(|_| limiter.take(1).is_ok()).count();
            assert_eq!(passed, (limit as usize).min(20), "{limit}/{window}");
        }
    }

    #[test]
    fn parallel_requests_pass_exactly_the_limit() {
        let limiter = limiter(1_000, 86_400);
        let passed: usize = std::thread::scope(|scope| {
            let run = || (0..1_000).filter(|_| limiter.take(1).is_ok()).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("joins"))
                .sum()
        });
        assert_eq!(passed, 1_000);
    }
}
