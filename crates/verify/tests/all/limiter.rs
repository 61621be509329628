//! A running rate limit against a bucket that fills by itself.

use claviger_model::limits::RateLimit;
use claviger_verify::limits::Limiter;
use proptest::prelude::*;

const SECOND: u64 = 1_000_000_000;

/// A bucket of `limit` drops, each of which takes `drop_nanos` to come.
struct Bucket {
    full: u128,
    drop_nanos: u128,
    level: u128,
    at: u64,
}

impl Bucket {
    fn take(&mut self, now: u64) -> bool {
        self.level = (self.level + u128::from(now - self.at)).min(self.full);
        self.at = now;
        let passes = self.level >= self.drop_nanos;
        if passes {
            self.level -= self.drop_nanos;
        }
        passes
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_limit_passes_what_a_bucket_gives(
        limit in 1u32..50,
        window_seconds in 1u32..100,
        pauses in prop::collection::vec(prop_oneof![Just(0), 0..SECOND, 0..100 * SECOND], 1..200),
    ) {
        let limiter = Limiter::new(RateLimit::new(limit, window_seconds).expect("in bounds"));
        let drop_nanos = (u128::from(window_seconds) * 1_000_000_000).div_ceil(limit.into());
        let full = drop_nanos * u128::from(limit);
        let mut bucket = Bucket { full, drop_nanos, level: full, at: SECOND };
        let mut now = SECOND;
        for pause in pauses {
            now += pause;
            let passes = bucket.take(now);
            let told = limiter.take(now);
            prop_assert_eq!(told.is_ok(), passes);
            let (Ok(state) | Err(state)) = told;
            prop_assert_eq!(u128::from(state.remaining), bucket.level / drop_nanos);
            let missing = drop_nanos.saturating_sub(bucket.level);
            prop_assert_eq!(u128::from(state.retry_millis), missing.div_ceil(1_000_000));
            let gone = full - bucket.level;
            prop_assert_eq!(u128::from(state.reset_millis), gone.div_ceil(1_000_000));
        }
    }
}
