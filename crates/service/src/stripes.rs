//! Counters that every request adds to, without one core waiting for another one.
//!
//! An addition to a number that another core has just added to waits for that core's copy of the
//! memory: some hundred nanoseconds, for each such number. Here each thread adds to a copy of its
//! own, and whoever wants to know adds the copies up.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// How many copies there are. Beyond so many threads, some share one.
const STRIPES: usize = 8;

/// `N` counters.
#[derive(Debug)]
pub struct Striped<const N: usize>([Stripe<N>; STRIPES]);

/// Two lines of memory apart: processors fetch pairs of them.
#[derive(Debug)]
#[repr(align(128))]
struct Stripe<const N: usize>([AtomicU64; N]);

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static STRIPE: Cell<usize> =
        Cell::new(THREADS.fetch_add(1, Ordering::Relaxed) % STRIPES);
}

impl<const N: usize> Default for Striped<N> {
    fn default() -> Self {
        let stripe = |_| Stripe(std::array::from_fn(|_| AtomicU64::new(0)));
        Self(std::array::from_fn(stripe))
    }
}

impl<const N: usize> Striped<N> {
    /// Adds one to the counter at `at`. Gives a number that no other call on this counter gives:
    /// numbers of one thread go up, and those of several threads are in no order.
    pub fn add(&self, at: usize) -> u64 {
        let stripe = STRIPE.get();
        let before = self.0[stripe].0[at].fetch_add(1, Ordering::Relaxed);
        before
            .wrapping_mul(STRIPES as u64)
            .wrapping_add(stripe as u64)
    }

    /// What the counter at `at` has come to.
    pub fn sum(&self, at: usize) -> u64 {
        let counts = self.0.iter();
        counts
            .map(|stripe| stripe.0[at].load(Ordering::Relaxed))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn what_many_threads_add_is_all_there_and_no_number_comes_twice() {
        let striped = Striped::<2>::default();
        let numbers: Vec<u64> = std::thread::scope(|scope| {
            let one = || (0..1_000).map(|_| striped.add(1)).collect::<Vec<_>>();
            let threads: Vec<_> = (0..20).map(|_| scope.spawn(one)).collect();
            let ended = threads.into_iter().map(|thread| thread.join().unwrap());
            ended.flatten().collect()
        });
        assert_eq!((striped.sum(0), striped.sum(1)), (0, 20_000));
        assert_eq!(HashSet::<u64>::from_iter(numbers).len(), 20_000);
    }
}
