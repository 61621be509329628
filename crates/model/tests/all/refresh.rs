//! Families of refresh tokens against a model that remembers everything that ever happened.
//!
//! The machine knows a row for each token and three numbers; the model knows the history of who
//! gave what to whom and what was used when, and decides by the promise alone: a token works once,
//! and again only while nothing that came of it was used.

use claviger_model::UnixMillis;
use claviger_model::credentials::StoredSecret;
use claviger_model::grants::Authorized;
use claviger_model::ids::{ClientId, FamilyId, GrantId};
use claviger_model::refresh::{Presented, RefreshToken, SUPERSEDED_GRACE_MILLIS, TokenFamily};
use claviger_model::secret::Lookup;
use proptest::prelude::*;

const LIFETIME_SECONDS: i64 = 3_600;

/// What somebody does.
#[derive(Clone, Debug)]
enum Step {
    /// Sends a refresh token.
    Refresh(prop::sample::Index),
    /// Uses the access token beside a refresh token.
    UseAccess(prop::sample::Index),
    /// Waits so many milliseconds.
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let grace = SUPERSEDED_GRACE_MILLIS;
    prop_oneof![
        6 => any::<prop::sample::Index>().prop_map(Step::Refresh),
        2 => any::<prop::sample::Index>().prop_map(Step::UseAccess),
        1 => prop::sample::select(vec![1, grace - 1, grace, grace + 1, LIFETIME_SECONDS * 1_000])
            .prop_map(Step::Wait),
    ]
}

/// The rows, changed as the token endpoint changes them.
struct Machine {
    family: TokenFamily,
    tokens: Vec<RefreshToken>,
    newest_use: u32,
}

impl Machine {
    fn new(now: UnixMillis) -> Self {
        let expires_at = now.plus_seconds(LIFETIME_SECONDS);
        let family = TokenFamily {
            id: FamilyId(1),
            grant_id: GrantId(2),
            client_id: ClientId(3),
            authorized: Authorized::default(),
            generation: 1,
            used_generation: 0,
            created_at: now,
            expires_at,
            ended_at: None,
            version: 1,
        };
        Self {
            tokens: vec![token(1, now, expires_at)],
            family,
            newest_use: 0,
        }
    }

    fn refresh(&mut self, place: usize, now: UnixMillis) -> Presented {
        let presented = self.tokens[place].presented(&self.family, self.newest_use, now);
        match presented {
            Presented::Fresh => self.rotate(place, now),
            Presented::Retried => {
                if let Some(last) = self.tokens.last_mut() {
                    *last = last.clone().supersede(now);
                }
                self.rotate(place, now);
            }
            Presented::Replayed => self.family = self.family.clone().end(now),
            Presented::Superseded | Presented::Ended => {}
        }
        presented
    }

    fn rotate(&mut self, place: usize, now: UnixMillis) {
        let expires_at = now.plus_seconds(LIFETIME_SECONDS);
        let used = self.tokens[place].generation;
        self.family = self.family.clone().advance(used, expires_at);
        self.tokens[place] = self.tokens[place].clone().use_at(now);
        self.tokens
            .push(token(self.family.generation, now, expires_at));
    }
}

fn token(generation: u32, now: UnixMillis, expires_at: UnixMillis) -> RefreshToken {
    RefreshToken {
        stored: StoredSecret {
            lookup: Lookup(generation.into()),
            hash: [0; 32],
            pepper_version: 1,
            hint: String::new(),
        },
        family_id: FamilyId(1),
        generation,
        created_at: now,
        expires_at,
        used_at: None,
        superseded_at: None,
        version: 1,
    }
}

/// What happened to a token, by the model.
#[derive(Clone, Debug)]
struct Known {
    /// Which token it was given for.
    parent: Option<usize>,
    issued_at: UnixMillis,
    is_access_used: bool,
    times_refreshed: u32,
    replaced_at: Option<UnixMillis>,
}

#[derive(Debug)]
struct Model {
    tokens: Vec<Known>,
    is_ended: bool,
}

impl Model {
    fn new(now: UnixMillis) -> Self {
        Self {
            tokens: vec![Known::given(None, now)],
            is_ended: false,
        }
    }

    /// Whether anything that came of a token, at whatever remove, was used.
    fn came_to_use(&self, place: usize) -> bool {
        let children = self
            .tokens
            .iter()
            .enumerate()
            .filter(|(_, known)| known.parent == Some(place));
        children.into_iter().any(|(child, known)| {
            known.is_access_used || known.times_refreshed > 0 || self.came_to_use(child)
        })
    }

    fn refresh(&mut self, place: usize, now: UnixMillis) -> Presented {
        let known = self.tokens[place].clone();
        if self.is_ended || now.since(known.issued_at) >= LIFETIME_SECONDS * 1_000 {
            return Presented::Ended;
        }
        if let Some(at) = known.replaced_at {
            if now.since(at) <= SUPERSEDED_GRACE_MILLIS {
                return Presented::Superseded;
            }
            self.is_ended = true;
            return Presented::Replayed;
        }
        let presented = match known.times_refreshed {
            0 => Presented::Fresh,
            _ if self.came_to_use(place) => {
                self.is_ended = true;
                return Presented::Replayed;
            }
            _ => Presented::Retried,
        };
        // What it gave before, and nobody used, is replaced.
        for child in &mut self.tokens {
            if child.parent == Some(place) && child.replaced_at.is_none() {
                child.replaced_at = Some(now);
            }
        }
        self.tokens[place].times_refreshed += 1;
        self.tokens.push(Known::given(Some(place), now));
        presented
    }
}

impl Known {
    fn given(parent: Option<usize>, issued_at: UnixMillis) -> Self {
        Self {
            parent,
            issued_at,
            is_access_used: false,
            times_refreshed: 0,
            replaced_at: None,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_family_does_what_was_promised(steps in prop::collection::vec(step(), 1..40)) {
        let mut now = UnixMillis(1_000_000);
        let (mut machine, mut model) = (Machine::new(now), Model::new(now));
        for step in steps {
            match step {
                Step::Wait(millis) => now = now.plus_millis(millis),
                Step::UseAccess(which) => {
                    let place = which.index(model.tokens.len());
                    let is_replaced = model.tokens[place].replaced_at.is_some();
                    // One that was replaced may be used by whoever it was stolen from: that is a
                    // use of the family's too, and the machine is told of it as of any other.
                    if !model.is_ended && !is_replaced {
                        let generation = machine.tokens[place].generation;
                        machine.newest_use = machine.newest_use.max(generation);
                        model.tokens[place].is_access_used = true;
                    }
                }
                Step::Refresh(which) => {
                    let place = which.index(model.tokens.len());
                    let found = machine.refresh(place, now);
                    let expected = model.refresh(place, now);
                    prop_assert_eq!(found, expected, "token {} of {:?}", place, model);
                }
            }
            // One token at most is live, and it is the one that was given last.
            let fresh = machine.tokens.iter().filter(|token| {
                token.presented(&machine.family, machine.newest_use, now) == Presented::Fresh
            });
            let generations: Vec<u32> = fresh.map(|token| token.generation).collect();
            prop_assert!(generations.len() <= 1, "{:?}", generations);
            prop_assert!(generations.iter().all(|last| *last == machine.family.generation));
            prop_assert_eq!(machine.family.ended_at.is_some(), model.is_ended);
        }
    }
}
