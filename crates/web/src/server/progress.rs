//! What a connection is doing and since when, and what its time limits say to that.
//!
//! Requests only note the tick at which something began, read from a counter that one task
//! advances. Each connection has one timer, which fires at least once in the shortest of the
//! limits and then asks for a [`Verdict`]; so a request costs a few plain stores and no timer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::Settings;

/// A coarse clock of one listener.
pub(super) struct Clock {
    ticks: AtomicU32,
    tick: Duration,
}

/// Advances a [`Clock`] until it is dropped.
pub(super) struct Ticker(JoinHandle<()>);

impl Clock {
    pub(super) fn start(settings: &Settings) -> (Arc<Self>, Ticker) {
        let tick =
            (shortest(settings) / 8).clamp(Duration::from_millis(5), Duration::from_millis(100));
        // Zero stands for "never" in `Progress`.
        let clock = Arc::new(Self {
            ticks: AtomicU32::new(1),
            tick,
        });
        let ticking = Arc::clone(&clock);
        let ticker = tokio::spawn(async move {
            let mut interval = tokio::time::interval(ticking.tick);
            loop {
                interval.tick().await;
                ticking.ticks.fetch_add(1, Relaxed);
            }
        });
        (clock, Ticker(ticker))
    }

    pub(super) fn now(&self) -> u32 {
        self.ticks.load(Relaxed)
    }

    pub(super) fn duration(&self, ticks: u32) -> Duration {
        self.tick * ticks
    }

    /// One more than it takes, because the tick that was noted had already begun.
    fn ticks(&self, limit: Duration) -> u32 {
        let ticks = limit.as_nanos().div_ceil(self.tick.as_nanos()) + 1;
        u32::try_from(ticks).unwrap_or(u32::MAX)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The limits of [`Settings`] in ticks.
pub(super) struct Limits {
    header: u32,
    idle: u32,
    body: u32,
    write: u32,
    grace: u32,
    linger: u32,
    /// The longest that a connection's timer may sleep: whatever begins meanwhile is seen in time.
    alarm: u32,
}

impl Limits {
    pub(super) fn new(settings: &Settings, clock: &Clock) -> Self {
        Self {
            header: clock.ticks(settings.header_timeout),
            idle: clock.ticks(settings.idle_timeout),
            body: clock.ticks(settings.body_timeout),
            write: clock.ticks(settings.write_timeout),
            grace: clock.ticks(settings.drain_grace),
            linger: clock.ticks(settings.linger),
            alarm: clock.ticks(shortest(settings)),
        }
    }

    /// The same while nearly all connections are taken: nobody is to hold one for nothing.
    pub(super) fn when_crowded(settings: &Settings, clock: &Clock) -> Self {
        let shorter = |limit: Duration| limit.min((limit / 8).max(CROWDED_MIN));
        let settings = Settings {
            header_timeout: shorter(settings.header_timeout),
            idle_timeout: settings.idle_timeout.min(CROWDED_MIN),
            body_timeout: shorter(settings.body_timeout),
            write_timeout: shorter(settings.write_timeout),
            ..settings.clone()
        };
        Self::new(&settings, clock)
    }

    pub(super) fn alarm(&self) -> u32 {
        self.alarm
    }
}

/// The least that a limit of a second or more becomes when connections are scarce.
const CROWDED_MIN: Duration = Duration::from_secs(1);

fn shortest(settings: &Settings) -> Duration {
    settings
        .header_timeout
        .min(settings.idle_timeout)
        .min(settings.body_timeout)
        .min(settings.write_timeout)
        .min(settings.drain_grace)
        .min(settings.linger)
}

/// What the supervisor of a connection has done to it.
#[derive(Default)]
pub(super) struct Oversight {
    pub(super) drain_since: Option<u32>,
    pub(super) retired_since: Option<u32>,
}

/// What is to be done with a connection now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing; ask again after so many ticks.
    Wait(u32),
    /// Fail the request body, so that its handler can answer.
    BodyLate,
    /// Close it as its protocol does when nothing is going on.
    Retire,
    /// Drop it, for this reason.
    Cut(&'static str),
}

/// Written by the connection's own tasks, read by its supervisor.
///
/// Plain loads and stores: on HTTP/1 all happens in one task, and on HTTP/2, where requests run
/// beside each other, only the count of open ones has to be exact.
pub(super) struct Progress {
    /// Requests that came and whose answers are not at their end.
    open: AtomicU32,
    /// When the present state began: idle, head, request, closing.
    since: AtomicU32,
    /// Since when the peer has taken nothing; 0 if it does.
    stalled_since: AtomicU32,
    /// The connection has come so far that it may idle.
    settled: AtomicBool,
    multiplexed: AtomicBool,
    head_begun: AtomicBool,
    /// Bytes came behind the present request: a part of the next head.
    head_ahead: AtomicBool,
    body_open: AtomicBool,
    body_late: AtomicBool,
    body_unread: AtomicBool,
    lingers: AtomicBool,
    closing: AtomicBool,
}

impl Progress {
    pub(super) fn new(now: u32) -> Self {
        Self {
            open: AtomicU32::new(0),
            since: AtomicU32::new(now),
            stalled_since: AtomicU32::new(0),
            settled: AtomicBool::new(false),
            multiplexed: AtomicBool::new(false),
            head_begun: AtomicBool::new(false),
            head_ahead: AtomicBool::new(false),
            body_open: AtomicBool::new(false),
            body_late: AtomicBool::new(false),
            body_unread: AtomicBool::new(false),
            lingers: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        }
    }

    /// The TLS handshake is done; the first request has its time from here.
    pub(super) fn handshaken(&self, now: u32) {
        self.since.store(now, Relaxed);
    }

    /// It speaks HTTP/2, where a head is one frame, and idle is what has no open stream.
    pub(super) fn multiplex(&self, now: u32) {
        self.multiplexed.store(true, Relaxed);
        self.settled.store(true, Relaxed);
        self.head_begun.store(false, Relaxed);
        self.since.store(now, Relaxed);
    }

    pub(super) fn is_multiplexed(&self) -> bool {
        self.multiplexed.load(Relaxed)
    }

    pub(super) fn bytes_came(&self, now: u32) {
        if self.is_multiplexed() {
            return;
        }
        if self.open.load(Relaxed) > 0 {
            if !self.body_open.load(Relaxed) {
                self.head_ahead.store(true, Relaxed);
            }
        } else if !self.head_begun.load(Relaxed) {
            self.head_begun.store(true, Relaxed);
            // The first head has its time from the start of the connection.
            if self.settled.load(Relaxed) {
                self.since.store(now, Relaxed);
            }
        }
    }

    pub(super) fn peer_takes(&self, takes: bool, now: u32) {
        let stalled = self.stalled_since.load(Relaxed) != 0;
        if takes && stalled {
            self.stalled_since.store(0, Relaxed);
        } else if !takes && !stalled {
            self.stalled_since.store(now, Relaxed);
        }
    }

    pub(super) fn request_came(&self, now: u32) {
        self.open.fetch_add(1, Relaxed);
        self.since.store(now, Relaxed);
        self.settled.store(true, Relaxed);
        self.head_begun.store(false, Relaxed);
        self.head_ahead.store(false, Relaxed);
    }

    pub(super) fn request_ended(&self, now: u32) {
        if self.open.fetch_sub(1, Relaxed) == 1 {
            self.since.store(now, Relaxed);
            self.head_begun
                .store(self.head_ahead.load(Relaxed), Relaxed);
        }
    }

    pub(super) fn body_began(&self) {
        self.body_open.store(true, Relaxed);
    }

    pub(super) fn body_ended(&self, complete: bool) {
        self.body_open.store(false, Relaxed);
        if !complete {
            self.body_unread.store(true, Relaxed);
        }
    }

    pub(super) fn expire_body(&self) {
        self.body_late.store(true, Relaxed);
    }

    pub(super) fn body_is_late(&self) -> bool {
        self.body_late.load(Relaxed)
    }

    /// A body was left unread on HTTP/1, so that no further request can be found behind it.
    pub(super) fn body_is_unread(&self) -> bool {
        self.body_unread.load(Relaxed)
    }

    /// The present answer is the last one.
    pub(super) fn say_goodbye(&self) {
        self.lingers.store(true, Relaxed);
    }

    /// Returns whether the peer may still be sending something that we will not answer.
    pub(super) fn begin_closing(&self, now: u32) -> bool {
        if !self.closing.swap(true, Relaxed) {
            self.since.store(now, Relaxed);
        }
        self.lingers.load(Relaxed) || self.body_is_unread() || self.head_begun.load(Relaxed)
    }

    pub(super) fn verdict(&self, now: u32, limits: &Limits, oversight: &Oversight) -> Verdict {
        let age = now.wrapping_sub(self.since.load(Relaxed));
        let stalled = self.stalled_since.load(Relaxed);
        if stalled != 0 && now.wrapping_sub(stalled) >= limits.write {
            return Verdict::Cut("the peer takes nothing of the answer");
        }
        if self.closing.load(Relaxed) {
            return limits.until(age, limits.linger, Verdict::Cut("the peer does not close"));
        }
        if self.open.load(Relaxed) > 0 {
            return self.of_request(age, limits);
        }
        if self.head_begun.load(Relaxed) {
            return limits.until(
                age,
                limits.header,
                Verdict::Cut("the head comes too slowly"),
            );
        }
        self.of_idle(now, age, limits, oversight)
    }

    fn of_request(&self, age: u32, limits: &Limits) -> Verdict {
        if !self.body_open.load(Relaxed) {
            return Verdict::Wait(limits.alarm);
        }
        if self.body_is_late() {
            let patience = limits.body.saturating_add(limits.header);
            return limits.until(age, patience, Verdict::Cut("the body comes too slowly"));
        }
        limits.until(age, limits.body, Verdict::BodyLate)
    }

    fn of_idle(&self, now: u32, age: u32, limits: &Limits, oversight: &Oversight) -> Verdict {
        let (age, allowed) = match oversight.drain_since {
            Some(since) => (age.min(now.wrapping_sub(since)), limits.grace),
            None if self.settled.load(Relaxed) => (age, limits.idle),
            None => (age, limits.header),
        };
        let then = match oversight.retired_since {
            None => Verdict::Retire,
            Some(at) => {
                let cut = Verdict::Cut("the peer does not close");
                limits.until(now.wrapping_sub(at), limits.linger, cut)
            }
        };
        limits.until(age, allowed, then)
    }
}

impl Limits {
    fn until(&self, age: u32, allowed: u32, then: Verdict) -> Verdict {
        if age >= allowed {
            then
        } else {
            Verdict::Wait((allowed - age).min(self.alarm))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        header: 10,
        idle: 75,
        body: 30,
        write: 40,
        grace: 5,
        linger: 3,
        alarm: 3,
    };

    fn verdict(progress: &Progress, now: u32, oversight: &Oversight) -> Verdict {
        progress.verdict(now, &LIMITS, oversight)
    }

    #[test]
    fn a_connection_that_never_asks_has_the_time_of_a_head() {
        let progress = Progress::new(100);
        let none = Oversight::default();
        assert_eq!(verdict(&progress, 109, &none), Verdict::Wait(1));
        assert_eq!(verdict(&progress, 110, &none), Verdict::Retire);
        progress.bytes_came(105);
        assert!(matches!(verdict(&progress, 110, &none), Verdict::Cut(_)));
    }

    #[test]
    fn between_requests_it_may_idle_but_a_begun_head_may_not() {
        let progress = Progress::new(100);
        let none = Oversight::default();
        progress.request_came(101);
        assert_eq!(verdict(&progress, 9_000, &none), Verdict::Wait(3));
        progress.request_ended(200);
        assert_eq!(verdict(&progress, 274, &none), Verdict::Wait(1));
        assert_eq!(verdict(&progress, 275, &none), Verdict::Retire);
        progress.bytes_came(274);
        assert_eq!(verdict(&progress, 275, &none), Verdict::Wait(3));
        assert!(matches!(verdict(&progress, 284, &none), Verdict::Cut(_)));
    }

    #[test]
    fn a_late_body_first_fails_and_then_ends_the_connection() {
        let progress = Progress::new(100);
        let none = Oversight::default();
        progress.request_came(100);
        progress.body_began();
        assert_eq!(verdict(&progress, 129, &none), Verdict::Wait(1));
        assert_eq!(verdict(&progress, 130, &none), Verdict::BodyLate);
        progress.expire_body();
        assert_eq!(verdict(&progress, 130, &none), Verdict::Wait(3));
        assert!(matches!(verdict(&progress, 140, &none), Verdict::Cut(_)));
    }

    #[test]
    fn draining_counts_from_its_start_or_from_the_last_answer() {
        let progress = Progress::new(1);
        progress.request_came(1);
        progress.request_ended(50);
        let mut oversight = Oversight {
            drain_since: Some(60),
            retired_since: None,
        };
        assert_eq!(verdict(&progress, 64, &oversight), Verdict::Wait(1));
        assert_eq!(verdict(&progress, 65, &oversight), Verdict::Retire);
        oversight.retired_since = Some(65);
        assert_eq!(verdict(&progress, 67, &oversight), Verdict::Wait(1));
        assert!(matches!(
            verdict(&progress, 68, &oversight),
            Verdict::Cut(_)
        ));
        progress.request_came(66);
        progress.request_ended(67);
        assert_eq!(verdict(&progress, 68, &oversight), Verdict::Wait(3));
    }

    #[test]
    fn a_peer_that_takes_nothing_is_cut() {
        let progress = Progress::new(1);
        let none = Oversight::default();
        progress.request_came(1);
        progress.peer_takes(false, 10);
        progress.peer_takes(false, 30);
        assert_eq!(verdict(&progress, 49, &none), Verdict::Wait(3));
        assert!(matches!(verdict(&progress, 50, &none), Verdict::Cut(_)));
        progress.peer_takes(true, 50);
        assert_eq!(verdict(&progress, 50, &none), Verdict::Wait(3));
    }
}
