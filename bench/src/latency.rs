//! How long answers took: counted in classes that are a thirty-second part wide.

use std::time::Duration;

/// Classes within each doubling.
const PARTS: u64 = 32;
const PARTS_BITS: u32 = PARTS.ilog2();

/// How often what took how long.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies {
    counts: Vec<u64>,
    total: u64,
}

impl Latencies {
    /// Counts one.
    pub(crate) fn add(&mut self, time: Duration) {
        let class = class(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        if self.counts.len() <= class {
            self.counts.resize(class + 1, 0);
        }
        self.counts[class] += 1;
        self.total += 1;
    }

    /// Counts what another counted too.
    pub(crate) fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (own, count) in self.counts.iter_mut().zip(&other.counts) {
            *own += count;
        }
        self.total += other.total;
    }

    /// How many were counted.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The microseconds that so many of a thousand did not exceed.
    pub(crate) fn micros(&self, per_mille: u64) -> f64 {
        let wanted = (self.total * per_mille).div_ceil(1_000);
        let mut seen = 0;
        for (class, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return upper_nanos(class) / 1_000.0;
            }
        }
        f64::NAN
    }
}

/// The class of a time: exact below [`PARTS`] nanoseconds.
fn class(nanos: u64) -> usize {
    let doublings = nanos.max(1).ilog2().saturating_sub(PARTS_BITS);
    let class = u64::from(doublings) * PARTS + (nanos >> doublings);
    usize::try_from(class).unwrap_or(usize::MAX)
}

/// The end of a class.
#[expect(
    clippy::cast_precision_loss,
    reason = "a class is far wider than the loss"
)]
fn upper_nanos(class: usize) -> f64 {
    let class = class as u64;
    let doublings = (class / PARTS).saturating_sub(1);
    ((class - doublings * PARTS + 1) << doublings) as f64
}

#[cfg(test)]
mod tests {
    use super::{Latencies, class, upper_nanos};
    use std::time::Duration;

    #[test]
    fn classes_follow_each_other_and_hold_their_times() {
        let mut last = 0;
        for nanos in 0..100_000_u64 {
            let at = class(nanos);
            assert!(at == last || at == last + 1, "{nanos}");
            last = at;
            let upper = upper_nanos(at);
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let nanos = nanos as f64;
            assert!(
                upper > nanos && upper <= nanos * 33.0 / 32.0 + 1.0,
                "{nanos} {upper}"
            );
        }
    }

    #[test]
    fn the_last_hundredth_is_found() {
        let mut latencies = Latencies::default();
        for _ in 0..99 {
            latencies.add(Duration::from_micros(100));
        }
        latencies.add(Duration::from_millis(5));
        assert!((latencies.micros(990) - 100.0).abs() < 5.0);
        assert!((latencies.micros(1_000) - 5_000.0).abs() < 200.0);
    }
}
