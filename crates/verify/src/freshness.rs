//! How much of the present state a node knows, and until when it may decide.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use claviger_model::UnixMillis;

/// The present, by both clocks. The lease runs on the boot clock, which counts through suspends
/// and never jumps; expiries are wall time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// Wall time.
    pub wall: UnixMillis,
    /// `CLOCK_BOOTTIME` in nanoseconds.
    pub boot_nanos: u64,
}

/// The lease of a node: when its last successful heartbeat was sent, and for how long that lets
/// it decide.
#[derive(Debug)]
pub struct Freshness {
    lease_millis: u64,
    epoch: AtomicI64,
    sent_boot_nanos: AtomicU64,
    sent_wall_millis: AtomicI64,
}

impl Freshness {
    /// A node that knows nothing yet, with leases of `lease_millis`.
    pub const fn new(lease_millis: u64) -> Self {
        Self {
            lease_millis,
            epoch: AtomicI64::new(0),
            sent_boot_nanos: AtomicU64::new(0),
            sent_wall_millis: AtomicI64::new(0),
        }
    }

    /// How long a lease is, in milliseconds.
    pub const fn lease_millis(&self) -> u64 {
        self.lease_millis
    }

    /// Says that everything up to `epoch` is applied.
    pub fn applied(&self, epoch: i64) {
        self.epoch.store(epoch, Ordering::Release);
    }

    /// Extends the lease: a heartbeat sent at `sent` succeeded, and all it told of is applied.
    pub fn extend(&self, sent: Now) {
        self.sent_wall_millis.store(sent.wall.0, Ordering::Relaxed);
        self.sent_boot_nanos
            .store(sent.boot_nanos, Ordering::Release);
    }

    /// Ends the lease at once.
    pub fn end(&self) {
        self.sent_boot_nanos.store(0, Ordering::Release);
    }

    /// The epoch up to which changes are applied.
    pub fn epoch(&self) -> i64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Milliseconds since the last heartbeat was sent, while the lease holds; `None` when it has
    /// run out by either clock. Wall time counts too because a virtual machine that was paused
    /// may come back with a boot clock that stood still.
    pub fn staleness_millis(&self, now: Now) -> Option<u64> {
        let sent = self.sent_boot_nanos.load(Ordering::Acquire);
        if sent == 0 {
            return None;
        }
        let age = now.boot_nanos.saturating_sub(sent) / 1_000_000;
        let wall_age = now
            .wall
            .0
            .saturating_sub(self.sent_wall_millis.load(Ordering::Relaxed));
        let jumped = u64::try_from(wall_age).is_ok_and(|age| age > self.lease_millis);
        (age < self.lease_millis && !jumped).then_some(age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64, wall: i64) -> Now {
        Now {
            wall: UnixMillis(wall),
            boot_nanos: millis * 1_000_000,
        }
    }

    #[test]
    fn a_lease_counts_from_when_its_heartbeat_was_sent() {
        let freshness = Freshness::new(10_000);
        assert_eq!(freshness.staleness_millis(at(5, 5)), None);
        freshness.extend(at(1_000, 500_000));
        assert_eq!(freshness.staleness_millis(at(1_003, 500_003)), Some(3));
        assert_eq!(freshness.staleness_millis(at(10_999, 509_999)), Some(9_999));
        assert_eq!(freshness.staleness_millis(at(11_000, 510_000)), None);
    }

    #[test]
    fn wall_time_that_jumped_past_the_lease_ends_it_and_backwards_does_not() {
        let freshness = Freshness::new(10_000);
        freshness.extend(at(1_000, 500_000));
        assert_eq!(freshness.staleness_millis(at(1_500, 511_000)), None);
        assert_eq!(freshness.staleness_millis(at(1_500, 400_000)), Some(500));
        freshness.end();
        assert_eq!(freshness.staleness_millis(at(1_500, 500_500)), None);
    }
}
