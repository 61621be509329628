//! The oracle: it looks whether the server keeps what the history says that it promised.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::history::{Begun, Expected, Form, Kind, Operation, Shared, Thing};
use super::random::Random;
use super::site::{Call, Decided, Site};

/// Older things that are looked at beside those that something happened to.
const SAMPLE: u64 = 40;
/// Older clients of which a token is asked for.
const SAMPLE_CLIENTS: usize = 4;
const DECISIONS_AT_ONCE: usize = 100;

/// What the server is compared with.
pub(super) struct Oracle {
    history: Shared,
    /// What stood in the account before the storm.
    foreign: HashSet<String>,
    /// Up to where the audit log was read.
    seq: i64,
    /// How many of the acknowledged changes were looked up in it.
    looked_up: usize,
    /// How many things were looked at.
    pub(super) count_checked: u64,
}

/// An event of the audit log.
#[derive(Clone, Debug)]
struct Event {
    seq: i64,
    action: String,
    target: String,
    request_id: String,
}

impl Oracle {
    /// One for a server at its first start.
    pub(super) async fn new(site: &Site, history: &Shared) -> Self {
        let mut oracle = Self {
            history: history.clone(),
            foreign: HashSet::new(),
            seq: 0,
            looked_up: 0,
            count_checked: 0,
        };
        oracle.foreign = oracle.listed(site).await;
        let events = oracle.events_since(site, 0).await;
        oracle.seq = events.iter().map(|event| event.seq).max().unwrap_or(0);
        oracle
    }

    /// Looks at all that can have changed since the last time, and at a sample of the rest.
    pub(super) async fn look(&mut self, site: &Site, random: &mut Random) {
        let mut touched = self.touched();
        touched.extend(self.settle(site).await);
        let (count, kinds): (u64, Vec<Kind>) = {
            let history = self.history.lock();
            let kinds = history.things.iter().map(|thing| thing.kind).collect();
            (history.things.len() as u64, kinds)
        };
        let place = |number: u64| usize::try_from(number).unwrap();
        let sample = (0..SAMPLE.min(count)).map(|_| place(random.below(count)));
        let sample: Vec<usize> = sample.collect();
        let of_clients = |thing: &&usize| kinds[**thing] == Kind::Client;
        let clients = sample.iter().filter(of_clients).take(SAMPLE_CLIENTS);
        let clients: Vec<usize> = clients.chain(&touched).copied().collect();
        self.rows(site, &touched).await;
        touched.extend(sample);
        self.decisions(site, &touched).await;
        self.secrets(site, &clients).await;
    }

    /// Looks at everything there ever was.
    pub(super) async fn look_at_everything(&mut self, site: &Site) {
        self.settle(site).await;
        let count = self.history.lock().things.len();
        let all: HashSet<usize> = (0..count).collect();
        self.decisions(site, &all).await;
        self.whole_log(site).await;
        let listed = self.listed(site).await;
        let mut history = self.history.lock();
        let keys = history.things.iter().filter(|one| one.kind == Kind::Key);
        let known: HashSet<String> = keys.map(|one| one.id.clone()).collect();
        let added = listed
            .difference(&known)
            .filter(|id| !self.foreign.contains(*id));
        let added: Vec<String> = added.map(|id| format!("nobody made {id}")).collect();
        let missing = known.difference(&listed);
        let missing: Vec<String> = missing.map(|id| format!("{id} is not listed")).collect();
        history.violations.extend(added);
        history.violations.extend(missing);
    }

    /// The things that were changed since the last time.
    fn touched(&self) -> HashSet<usize> {
        let mut history = self.history.lock();
        let ids: HashSet<String> = {
            let fresh = &history.acknowledged[self.looked_up..];
            fresh.iter().map(|one| one.target.clone()).collect()
        };
        let things = history.things.iter_mut().enumerate();
        let touched = things.filter(|(_, thing)| thing.is_busy || ids.contains(&thing.id));
        touched.map(|(place, _)| place).collect()
    }

    /// Compares the audit log with what was acknowledged, and finds out what became of the rest.
    async fn settle(&mut self, site: &Site) -> Vec<usize> {
        let mut events = self.events_since(site, self.seq).await;
        let unknown = std::mem::take(&mut self.history.lock().unknown);
        let claimed: HashSet<String> = {
            let history = self.history.lock();
            let fresh = &history.acknowledged[self.looked_up..];
            fresh.iter().map(|one| one.request_id.clone()).collect()
        };
        let mut settled = Vec::new();
        let mut shown = Vec::new();
        for begun in unknown {
            if begun.operation.shows_secret() {
                shown.extend(self.repeat(site, &begun).await);
            } else {
                self.compare(site, &begun, &events, &claimed).await;
                settled.extend(begun.thing);
            }
        }
        let seq = events.iter().map(|event| event.seq).max();
        self.seq = self.seq.max(seq.unwrap_or(0));
        let later = self.events_since(site, self.seq).await;
        self.seq = later.iter().map(|event| event.seq).fold(self.seq, i64::max);
        events.extend(later);
        self.shown_once(&shown, &events);
        self.acknowledged_are_in(&events);
        settled.extend(shown.into_iter().map(|(thing, _)| thing));
        settled
    }

    /// Sends again what would have shown a secret. It is the same as if it had been sent once.
    async fn repeat(&self, site: &Site, begun: &Begun) -> Option<(usize, Operation)> {
        let id = {
            let history = self.history.lock();
            begun.thing.map(|thing| history.things[thing].id.clone())
        };
        let call = begun.call(&id.unwrap_or_default());
        let answer = site.call(&call).await.unwrap();
        let mut history = self.history.lock();
        if answer.status != 201 {
            let (operation, status) = (begun.operation, answer.status);
            let body = answer.body;
            history
                .violations
                .push(format!("{operation:?} again was answered {status}: {body}"));
            history.free(begun.thing);
            return None;
        }
        let shown = answer.json();
        let thing = begun
            .thing
            .unwrap_or_else(|| history.made(begun.operation, &shown));
        history.things[thing].apply(begun.operation, &shown);
        history.free(Some(thing));
        Some((thing, begun.operation))
    }

    /// Each of these has its event, once.
    fn shown_once(&self, shown: &[(usize, Operation)], events: &[Event]) {
        let mut history = self.history.lock();
        for (thing, operation) in shown {
            let id = history.things[*thing].id.clone();
            let action = operation.action().unwrap_or_default();
            let about = |event: &&Event| event.target == id && event.action == action;
            let count = events.iter().filter(about).count();
            let is_right = match operation {
                // Of rotations there may have been others.
                Operation::Rotate => count >= 1,
                _ => count == 1,
            };
            if !is_right {
                let told = format!("{action} of {id} stands {count} times in the audit log");
                history.violations.push(told);
            }
        }
    }

    /// What of a change whose answer was lost is there: all of it, with its event, or nothing.
    async fn compare(
        &self,
        site: &Site,
        begun: &Begun,
        events: &[Event],
        claimed: &HashSet<String>,
    ) {
        let Some(place) = begun.thing else { return };
        let before = self.history.lock().things[place].clone();
        let Some(action) = begun.operation.action() else {
            // A token that nobody has is no harm.
            self.history.lock().free(Some(place));
            return;
        };
        let own = events.iter().filter(|event| {
            event.target == before.id
                && event.action == action
                && !claimed.contains(&event.request_id)
        });
        let count = own.count();
        let mut after = before.clone();
        after.apply(begun.operation, &Value::Null);
        let is_done = count == 1;
        let expected = if is_done { &after } else { &before };
        let wrong = difference(site, expected).await;
        let mut history = self.history.lock();
        if count > 1 {
            let told = format!("{action} of {} stands {count} times in the log", before.id);
            history.violations.push(told);
        }
        if let Some(wrong) = wrong {
            let told = format!("half a change, {begun:?} (event: {is_done}): {wrong}");
            history.violations.push(told);
        }
        if is_done {
            history.things[place].apply(begun.operation, &Value::Null);
        }
        history.free(Some(place));
    }

    /// Every change that was acknowledged since the last time stands in the audit log.
    fn acknowledged_are_in(&mut self, events: &[Event]) {
        let mut by_request: HashMap<&str, Vec<&Event>> = HashMap::new();
        for event in events {
            by_request.entry(&event.request_id).or_default().push(event);
        }
        let mut history = self.history.lock();
        let fresh = &history.acknowledged[self.looked_up..];
        self.looked_up = history.acknowledged.len();
        let missing = fresh.iter().filter(|one| {
            let action = one.operation.action().unwrap_or_default();
            let found = by_request.get(&*one.request_id);
            !found.is_some_and(|found| {
                let is_it = |event: &&&Event| event.target == one.target && event.action == action;
                found.iter().filter(is_it).count() == 1
            })
        });
        let missing: Vec<String> = missing
            .map(|one| format!("acknowledged without its event: {one:?}"))
            .collect();
        history.violations.extend(missing);
    }

    /// The same for everything since the storm began: no event went later.
    async fn whole_log(&mut self, site: &Site) {
        let events = self.events_since(site, 0).await;
        self.looked_up = 0;
        self.acknowledged_are_in(&events);
    }

    /// The rows of these things are as their owners know them.
    async fn rows(&mut self, site: &Site, places: &HashSet<usize>) {
        for place in places {
            let thing = self.history.lock().things[*place].clone();
            if let Some(wrong) = difference(site, &thing).await {
                let mut history = self.history.lock();
                history
                    .violations
                    .push(format!("a change is lost: {wrong}"));
            }
        }
    }

    /// Keys and tokens do what their owners know that they do.
    async fn decisions(&mut self, site: &Site, places: &HashSet<usize>) {
        let mut asked = Vec::new();
        {
            let history = self.history.lock();
            for place in places {
                let thing = &history.things[*place];
                let held = thing.held.iter().filter(|held| held.form != Form::Secret);
                asked.extend(held.map(|held| {
                    let (id, text) = (thing.id.clone(), held.text.clone());
                    (id, text, thing.expected(held))
                }));
            }
        }
        self.count_checked += asked.len() as u64;
        for some in asked.chunks(DECISIONS_AT_ONCE) {
            let texts: Vec<&str> = some.iter().map(|(_, text, _)| &**text).collect();
            let decisions = site.decide(&texts).await.unwrap();
            let mut history = self.history.lock();
            for ((id, _, expected), decided) in some.iter().zip(decisions) {
                if !is_as(&decided, *expected) {
                    let told = format!("{id} is {decided:?}, and has to be {expected:?}");
                    history.violations.push(told);
                }
            }
        }
    }

    /// The secrets of clients get tokens as long as they live, and none afterwards.
    async fn secrets(&mut self, site: &Site, places: &[usize]) {
        for place in places {
            let thing = self.history.lock().things[*place].clone();
            let secrets = thing.held.iter().filter(|held| held.form == Form::Secret);
            // The latest one that ended and the one that lives: wrong ones are slowed down.
            for held in secrets.rev().take(2) {
                self.count_checked += 1;
                let status = site.token(&thing.id, &held.text).await.unwrap().status;
                let expected = thing.expected(held);
                let is_right = match expected {
                    Expected::Allowed => status == 200,
                    Expected::Refused(_) => matches!(status, 400 | 401 | 429),
                };
                if !is_right {
                    let told = format!(
                        "a secret of {} was answered {status}, and has to be {expected:?}",
                        thing.id
                    );
                    self.history.lock().violations.push(told);
                }
            }
        }
    }

    /// The ids of all keys of the account.
    async fn listed(&self, site: &Site) -> HashSet<String> {
        let mut ids = HashSet::new();
        let mut path = Some("/api/keys?status=all&limit=1000".to_owned());
        while let Some(next) = path.take() {
            let answer = site.call(&Call::get(next)).await.unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
            let keys = answer.json();
            let page = keys.as_array().unwrap().iter();
            ids.extend(page.map(|key| key["id"].as_str().unwrap().to_owned()));
            let link = answer.header("link").unwrap_or_default();
            let link = link
                .split_once('<')
                .and_then(|(_, rest)| rest.split_once('>'));
            path = link.map(|(path, _)| path.to_owned());
        }
        ids
    }

    /// The events behind a place, in no order.
    async fn events_since(&self, site: &Site, seq: i64) -> Vec<Event> {
        let mut events = Vec::new();
        let mut path = Some("/v1/audit?limit=1000".to_owned());
        while let Some(next) = path.take() {
            let answer = site.call(&Call::get(next)).await.unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
            let page = answer.json();
            let found = page["data"].as_array().unwrap().iter().map(Event::of);
            let before = events.len();
            events.extend(found.filter(|event| event.seq > seq));
            let is_full = events.len() - before == page["data"].as_array().unwrap().len();
            let cursor = page["next_cursor"].as_str().filter(|_| is_full);
            path = cursor.map(|cursor| format!("/v1/audit?limit=1000&cursor={cursor}"));
        }
        events
    }
}

impl Event {
    fn of(event: &Value) -> Self {
        let text = |member: &str| event[member].as_str().unwrap_or_default().to_owned();
        Self {
            seq: event["seq"].as_i64().unwrap(),
            action: text("action"),
            target: text("target"),
            request_id: text("request_id"),
        }
    }
}

/// Whether a decision is the one that has to be.
pub(super) fn is_as(decided: &Decided, expected: Expected) -> bool {
    match (decided, expected) {
        (Decided::Allowed, Expected::Allowed) | (Decided::Refused(_), Expected::Refused(None)) => {
            true
        }
        (Decided::Refused(reason), Expected::Refused(Some(wanted))) => reason == wanted,
        _ => false,
    }
}

/// In what the server's row of a thing differs from what its owner knows.
async fn difference(site: &Site, thing: &Thing) -> Option<String> {
    let id = &thing.id;
    let path = match thing.kind {
        Kind::Key => format!("/api/keys/{id}"),
        Kind::Client => format!("/v1/clients/{id}"),
    };
    let answer = site.call(&Call::get(path)).await.unwrap();
    if thing.kind == Kind::Client {
        let wanted = if thing.has_ended { "deleted" } else { "active" };
        let found = answer.json()["status"].clone();
        return (found != wanted).then(|| format!("{id} is {found}, not {wanted}"));
    }
    if answer.status != 200 {
        return Some(format!("{id} is answered {}", answer.status));
    }
    let row = answer.json();
    let scopes = row["scopes"].as_array().map_or(0, Vec::len);
    let found = (
        row["status"] == "revoked",
        row["active"] == true,
        scopes == 2,
    );
    let wanted = (thing.has_ended, thing.is_active, thing.is_wide);
    // Whether a revoked one is switched on, nobody asks.
    let is_right = found.0 == wanted.0 && (found.0 || found == wanted);
    (!is_right).then(|| format!("{id} is (revoked, active, wide) = {found:?}, not {wanted:?}"))
}
