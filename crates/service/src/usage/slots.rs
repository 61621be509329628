//! Counters in memory: found without a lock, added to by one atomic addition.
//!
//! A counter lives from the first request that is counted in it until it is taken out and written
//! down. Taking it out and closing it is one exchange: whoever adds afterwards sees that it is
//! closed and opens the next one, so that nothing is counted twice or not at all.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use claviger_model::ids::{ClientId, SecretId};
use claviger_model::usage::Step;
use claviger_model::{Environment, Reason, UnixMillis};
use claviger_verify::apis::ApiEntry;
use claviger_verify::entries::{ClientEntry, Credential};
use claviger_verify::routes::RouteIndex;
use foldhash::fast::RandomState;

/// Counters that may be open at once.
pub(super) const SLOTS_MAX: usize = 500_000;
/// Says that a counter is closed.
const CLOSED: u64 = 1 << 63;
/// So many uses of a counter are noted one by one; beyond them one each second is.
const NOTED_EACH: u64 = 64;

/// The open counters.
#[derive(Default)]
pub(super) struct Slots {
    /// By a hash that is made for speed: what is in a key is nobody's choice but ours.
    map: papaya::HashMap<Key, Slot, RandomState>,
    open: AtomicUsize,
    dropped: AtomicU64,
}

/// What is counted in one counter. Entries are told apart by their place in memory, which is not
/// used again while their counter is open.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    entry: usize,
    api: usize,
    route: Option<RouteIndex>,
    secret: Option<SecretId>,
    environment: Environment,
    event: Event,
    asked: u64,
    minute: i64,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Event {
    /// A request was decided.
    Decided(Reason),
    /// A client's secret was used for a token.
    SecretUsed,
    /// A client's secret matched and was refused.
    SecretRefused(Reason),
    /// A client got a token.
    TokenIssued,
}

/// Whose doing it was.
#[derive(Clone)]
pub(super) enum Who {
    /// Nobody's that is known.
    Unknown,
    /// The credential of a decision.
    Credential(Credential),
    /// A client that got a token.
    Client(Arc<ClientEntry>),
    /// The client of a secret that was presented.
    Owner(ClientId),
}

/// What is counted, as it is told of.
#[derive(Clone)]
pub(super) struct What {
    pub(super) who: Who,
    pub(super) secret: Option<SecretId>,
    pub(super) api: Option<Arc<ApiEntry>>,
    pub(super) route: Option<RouteIndex>,
    pub(super) environment: Environment,
    pub(super) event: Event,
    /// Scopes that were asked for beside the route's, with a space between.
    pub(super) asked: Box<str>,
}

/// When and from where.
#[derive(Clone, Copy, Debug)]
pub struct Where<'a> {
    /// When.
    pub at: UnixMillis,
    /// From which address.
    pub ip: Option<IpAddr>,
    /// The `User-Agent` header as it came; cut when it is kept.
    pub user_agent: Option<&'a str>,
}

/// The last use that was noted.
#[derive(Clone, Default)]
pub(super) struct LastUse {
    pub(super) at: Option<UnixMillis>,
    pub(super) ip: Option<IpAddr>,
    pub(super) user_agent: Option<Box<str>>,
}

struct Slot {
    /// How many, and whether it is closed.
    count: AtomicU64,
    noted_at: AtomicI64,
    last: Mutex<LastUse>,
    what: What,
}

/// A counter that was taken out.
pub(super) struct Taken {
    pub(super) what: What,
    pub(super) minute: i64,
    pub(super) count: u64,
    pub(super) last: LastUse,
}

/// What finds a counter: the parts of [`What`] without a copy of any.
pub(super) struct Found<'a> {
    pub(super) entry: Option<&'a Credential>,
    pub(super) client: Option<&'a Arc<ClientEntry>>,
    pub(super) owner: Option<ClientId>,
    pub(super) secret: Option<SecretId>,
    pub(super) api: Option<&'a Arc<ApiEntry>>,
    pub(super) route: Option<RouteIndex>,
    pub(super) environment: Environment,
    pub(super) event: Event,
    pub(super) asked: &'a [&'a str],
}

impl Slots {
    /// Counts one.
    pub(super) fn add(&self, found: &Found<'_>, seen: Where<'_>) {
        let key = found.key(Step::Minute.number(seen.at));
        let map = self.map.pin();
        loop {
            let Some(slot) = map.get(&key).or_else(|| self.open(&map, key, found)) else {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                return;
            };
            slot.note(seen);
            if slot.count.fetch_add(1, Ordering::AcqRel) & CLOSED == 0 {
                return;
            }
            // It is being written down: the next one takes its place.
            self.remove_closed(&key);
        }
    }

    /// Opens a counter, unless too many are open; the one that somebody else has opened meanwhile.
    fn open<'map>(
        &self,
        map: &'map papaya::HashMapRef<'_, Key, Slot, RandomState, papaya::LocalGuard<'_>>,
        key: Key,
        found: &Found<'_>,
    ) -> Option<&'map Slot> {
        if self.open.fetch_add(1, Ordering::Relaxed) >= SLOTS_MAX {
            self.open.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        match map.try_insert(key, Slot::new(found.what())) {
            Ok(slot) => Some(slot),
            Err(taken) => {
                self.open.fetch_sub(1, Ordering::Relaxed);
                Some(taken.current)
            }
        }
    }

    /// Closes the counters and gives what is in them.
    pub(super) fn take(&self) -> Vec<Taken> {
        let map = self.map.pin();
        let mut taken = Vec::with_capacity(map.len());
        for (key, slot) in &map {
            let count = slot.count.swap(CLOSED, Ordering::AcqRel);
            if count & CLOSED == 0 {
                let mut last = slot.last.lock().unwrap_or_else(PoisonError::into_inner);
                taken.push(Taken {
                    what: slot.what.clone(),
                    minute: key.minute,
                    count,
                    last: std::mem::take(&mut *last),
                });
            }
            self.remove_closed(key);
        }
        taken
    }

    /// How many requests were not counted because too many counters were open.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn remove_closed(&self, key: &Key) {
        let is_closed = |_: &Key, slot: &Slot| slot.count.load(Ordering::Acquire) & CLOSED != 0;
        if let Ok(Some(_)) = self.map.pin().remove_if(key, is_closed) {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Slot {
    fn new(what: What) -> Self {
        Self {
            count: AtomicU64::new(0),
            noted_at: AtomicI64::new(i64::MIN),
            last: Mutex::default(),
            what,
        }
    }

    /// Notes when and from where, before it is counted: then it is there when the count is taken.
    /// Whoever comes while another one notes lets that one have its way.
    fn note(&self, seen: Where<'_>) {
        let is_one_of_few = self.count.load(Ordering::Relaxed) < NOTED_EACH;
        let second = seen.at.0.div_euclid(1_000);
        if !is_one_of_few && self.noted_at.load(Ordering::Relaxed) >= second {
            return;
        }
        let Ok(mut last) = self.last.try_lock() else {
            return;
        };
        self.noted_at.store(second, Ordering::Relaxed);
        if last.at.is_some_and(|at| at > seen.at) {
            return;
        }
        last.at = Some(seen.at);
        last.ip = seen.ip;
        if last.user_agent.as_deref() != seen.user_agent {
            last.user_agent = seen.user_agent.map(Into::into);
        }
    }
}

impl Found<'_> {
    /// Something that nobody is known to have done.
    pub(super) const fn of(event: Event) -> Self {
        Self {
            entry: None,
            client: None,
            owner: None,
            secret: None,
            api: None,
            route: None,
            environment: Environment::Live,
            event,
            asked: &[],
        }
    }

    fn key(&self, minute: i64) -> Key {
        let entry = self.entry.map(Credential::address);
        let client = self.client.map(|client| Arc::as_ptr(client).addr());
        Key {
            entry: entry.or(client).unwrap_or_default(),
            api: self.api.map_or(0, |api| Arc::as_ptr(api).addr()),
            route: self.route,
            secret: self.secret,
            environment: self.environment,
            event: self.event,
            asked: digest(self.asked),
            minute,
        }
    }

    fn what(&self) -> What {
        let who = match (self.entry, self.client, self.owner) {
            (Some(entry), _, _) => Who::Credential(entry.clone()),
            (_, Some(client), _) => Who::Client(Arc::clone(client)),
            (_, _, Some(owner)) => Who::Owner(owner),
            (None, None, None) => Who::Unknown,
        };
        What {
            who,
            secret: self.secret,
            api: self.api.cloned(),
            route: self.route,
            environment: self.environment,
            event: self.event,
            asked: self.asked.join(" ").into(),
        }
    }
}

fn digest(asked: &[&str]) -> u64 {
    if asked.is_empty() {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    asked.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const SEEN: Where<'_> = Where {
        at: UnixMillis(90_000),
        ip: None,
        user_agent: None,
    };

    #[test]
    fn what_is_added_while_counters_are_taken_is_counted_once() {
        const EACH: u64 = 100_000;
        let slots = Slots::default();
        let mut total = 0;
        thread::scope(|scope| {
            let adders: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        for number in 0..EACH {
                            let at = UnixMillis(i64::try_from(number).unwrap() / 7);
                            let event = Event::Decided(Reason::Allowed);
                            slots.add(&Found::of(event), Where { at, ..SEEN });
                        }
                    })
                })
                .collect();
            while adders.iter().any(|adder| !adder.is_finished()) {
                total += slots.take().iter().map(|taken| taken.count).sum::<u64>();
            }
        });
        total += slots.take().iter().map(|taken| taken.count).sum::<u64>();
        assert_eq!(total, 4 * EACH);
        assert_eq!(
            (slots.take().len(), slots.open.load(Ordering::Relaxed)),
            (0, 0)
        );
    }

    #[test]
    fn the_last_use_is_the_latest_and_events_are_told_apart() {
        let slots = Slots::default();
        let ip = |last: u8| Some(IpAddr::from([203, 0, 113, last]));
        for (at, last, agent) in [(5, 1, "a"), (9, 2, "b"), (7, 3, "c")] {
            let at = UnixMillis(at);
            let seen = Where {
                at,
                ip: ip(last),
                user_agent: Some(agent),
            };
            slots.add(&Found::of(Event::SecretUsed), seen);
        }
        slots.add(&Found::of(Event::TokenIssued), SEEN);
        let taken = slots.take();
        let used = taken
            .iter()
            .find(|taken| taken.what.event == Event::SecretUsed)
            .unwrap();
        assert_eq!((used.count, used.minute), (3, 0));
        assert_eq!((used.last.at, used.last.ip), (Some(UnixMillis(9)), ip(2)));
        assert_eq!(used.last.user_agent.as_deref(), Some("b"));
        let issued = taken
            .iter()
            .find(|taken| taken.what.event == Event::TokenIssued)
            .unwrap();
        assert_eq!((issued.count, issued.minute), (1, 1));
    }

    #[test]
    fn asking_for_other_scopes_is_counted_apart() {
        let slots = Slots::default();
        let event = Event::Decided(Reason::Allowed);
        for asked in [&["a", "b"][..], &["a b"], &["a"], &["a", "b"]] {
            slots.add(
                &Found {
                    asked,
                    ..Found::of(event)
                },
                SEEN,
            );
        }
        let mut counts: Vec<_> = slots.take().iter().map(|taken| taken.count).collect();
        counts.sort_unstable();
        assert_eq!(counts, [1, 1, 2]);
    }
}
