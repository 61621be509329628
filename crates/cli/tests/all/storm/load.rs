//! The clients of a storm: some change keys and clients, others use them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::history::{Begun, Expected, Form, History, Kind, Operation, Shared, Thing};
use super::random::Random;
use super::site::{Decided, Site};
use crate::http::Answer;
use crate::program::until;

/// How many clients change keys, change clients and use both.
const KEY_OWNERS: u64 = 5;
const CLIENT_OWNERS: u64 = 2;
const USERS: u64 = 2;
/// Things of one owner that live at a time.
const LIVE_MOST: usize = 8;
/// Texts that are decided at once.
const DECIDED_AT_ONCE: usize = 12;

/// Clients that go on until the server dies or they are told to end.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    /// Starts them.
    pub(super) fn start(site: &Site, history: &Shared, random: &mut Random, round: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = Vec::new();
        for number in 0..KEY_OWNERS + CLIENT_OWNERS + USERS {
            let client = Client {
                site: site.clone(),
                history: history.clone(),
                random: Random::new(random.next()),
                stop: Arc::clone(&stop),
                name: format!("storm {round} {number}"),
                made: 0,
                own: Vec::new(),
            };
            tasks.push(match number {
                0..KEY_OWNERS => tokio::spawn(client.change(Kind::Key)),
                _ if number < KEY_OWNERS + CLIENT_OWNERS => {
                    tokio::spawn(client.change(Kind::Client))
                }
                _ => tokio::spawn(client.decide()),
            });
        }
        Self { stop, tasks }
    }

    /// Lets them go on until enough has happened, and ends them.
    pub(super) async fn goes_until(self, history: &Shared, is_enough: impl Fn(&History) -> bool) {
        until(async || is_enough(&history.lock()).then_some(())).await;
        self.end().await;
    }

    /// Waits until all of them have noticed that the server died, or were told to end.
    pub(super) async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

struct Client {
    site: Site,
    history: Shared,
    random: Random,
    stop: Arc<AtomicBool>,
    name: String,
    made: u32,
    /// The things that it made.
    own: Vec<usize>,
}

impl Client {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    async fn change(mut self, kind: Kind) {
        while self.goes_on() {
            let begun = self.choose(kind);
            let Ok((_, thing)) = carry_out(&self.site, &self.history, &begun).await else {
                return;
            };
            if begun.thing.is_none() {
                self.own.extend(thing);
            }
        }
    }

    /// What is done next: to one of its own things, or a new one is made.
    fn choose(&mut self, kind: Kind) -> Begun {
        self.made += 1;
        let name = format!("{} {}", self.name, self.made);
        let (live, things): (Vec<usize>, Vec<Thing>) = {
            let history = self.history.lock();
            let own = self.own.iter().copied();
            let live = own.filter(|own| {
                let thing = &history.things[*own];
                !thing.has_ended && !thing.is_busy
            });
            live.map(|own| (own, history.things[own].clone())).unzip()
        };
        let many = live.len() >= LIVE_MOST;
        let chosen = self.random.below(live.len().max(1) as u64);
        let chosen = usize::try_from(chosen).unwrap();
        let dice = self.random.below(100);
        let (operation, thing) = match things.get(chosen) {
            Some(thing) if dice >= 35 || many => {
                (operation_on(thing, dice, many), Some(live[chosen]))
            }
            _ if kind == Kind::Key => (Operation::CreateKey, None),
            _ => (Operation::CreateClient, None),
        };
        Begun {
            operation,
            thing,
            name,
        }
    }

    /// Uses what there is, and compares each decision with what has to come of it.
    async fn decide(mut self) {
        while self.goes_on() {
            let chosen = self.choose_held();
            let texts: Vec<&str> = chosen.iter().map(|one| &*one.text).collect();
            let Ok(decisions) = self.site.decide(&texts).await else {
                return;
            };
            self.judge(&chosen, decisions);
            // Some servers answer so fast that nobody else would have a turn.
            tokio::task::yield_now().await;
        }
    }

    fn judge(&self, chosen: &[Chosen], decisions: Vec<Decided>) {
        let mut history = self.history.lock();
        for (one, decided) in chosen.iter().zip(decisions) {
            history.count_decided += 1;
            let thing = &history.things[one.thing];
            let is_same = thing.generation == one.generation && !thing.is_busy;
            let is_wrong = match (&decided, one.expected) {
                (Decided::Unavailable, _) => {
                    history.count_undecided += 1;
                    continue;
                }
                // What has ended does not begin again, whatever goes on with it.
                (Decided::Allowed, Expected::Refused(_)) => one.is_final || is_same,
                (Decided::Refused(_), Expected::Allowed) => is_same,
                _ => false,
            };
            if is_wrong {
                let told = format!("{one:?} was decided under load: {decided:?}");
                history.violations.push(told);
            }
        }
    }

    fn choose_held(&mut self) -> Vec<Chosen> {
        let history = self.history.lock();
        let mut chosen = Vec::new();
        for _ in 0..DECIDED_AT_ONCE {
            let count = history.things.len().max(1) as u64;
            // The latest ones most often: of them most is going on.
            let back = if self.random.below(4) == 0 {
                self.random.below(count)
            } else {
                self.random.below(count.min(60))
            };
            let place = usize::try_from(count - 1 - back).unwrap();
            let Some(thing) = history.things.get(place) else {
                continue;
            };
            let mut held = thing.held.iter().rev();
            let held = held.find(|held| held.form != Form::Secret);
            let Some(held) = held.filter(|_| !thing.is_busy) else {
                continue;
            };
            chosen.push(Chosen {
                thing: place,
                id: thing.id.clone(),
                text: held.text.clone(),
                expected: thing.expected(held),
                is_final: thing.has_ended || held.is_over,
                generation: thing.generation,
            });
        }
        chosen
    }
}

/// Asks for a change and notes what comes of it; the answer, and which thing it was about.
///
/// # Errors
/// There is no answer.
pub(super) async fn carry_out(
    site: &Site,
    history: &Shared,
    begun: &Begun,
) -> std::io::Result<(Answer, Option<usize>)> {
    let target = {
        let mut history = history.lock();
        history.begin(begun);
        begun.thing.map(|thing| history.things[thing].clone())
    };
    let id = target.as_ref().map(|thing| &*thing.id).unwrap_or_default();
    let answer = if begun.operation == Operation::Issue {
        let secret = target.as_ref().and_then(Thing::secret);
        site.token(id, secret.unwrap_or_default()).await
    } else {
        site.call(&begun.call(id)).await
    };
    let mut history = history.lock();
    match answer {
        Ok(answer) => {
            let thing = history.answered(begun, &answer);
            Ok((answer, thing))
        }
        Err(error) => {
            history.lost(begun.clone());
            Err(error)
        }
    }
}

/// What is decided, and how it was when that was asked.
struct Chosen {
    thing: usize,
    id: String,
    text: String,
    expected: Expected,
    /// Whether it can never be allowed again.
    is_final: bool,
    generation: u64,
}

impl std::fmt::Debug for Chosen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (expected {:?})", self.id, self.expected)
    }
}

/// What is done next to a thing, as the dice (below 100) fall.
pub(super) fn operation_on(thing: &Thing, dice: u64, many: bool) -> Operation {
    if thing.kind == Kind::Client {
        return match dice {
            _ if many => Operation::DeleteClient,
            0..70 => Operation::Issue,
            70..80 => Operation::Rotate,
            80..90 => Operation::EndTokens,
            _ => Operation::DeleteClient,
        };
    }
    match (dice, thing.is_active, thing.is_wide) {
        _ if many => Operation::Revoke,
        (..55, true, _) => Operation::SwitchOff,
        (..55, false, _) => Operation::SwitchOn,
        (55..75, _, true) => Operation::Narrow,
        (55..75, _, false) => Operation::Widen,
        _ => Operation::Revoke,
    }
}
