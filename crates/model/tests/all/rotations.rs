//! Rotations of a client's secret against a model that knows the plan and the first use alone.

use claviger_model::UnixMillis;
use claviger_model::clients::ClientSecret;
use claviger_model::credentials::StoredSecret;
use claviger_model::ids::{ClientId, SecretId};
use claviger_model::rotations::{OldEnds, OldSecret, Rotation, Verdict};
use claviger_model::secret::Lookup;
use claviger_model::secret_uses::SecretUses;
use proptest::prelude::*;

const START: UnixMillis = UnixMillis(10_000_000);
const TOKEN_SECONDS: u32 = 600;

/// What happens while a rotation is under way.
#[derive(Clone, Debug)]
enum Step {
    /// Seconds pass.
    Wait(i64),
    /// A token is asked for with the new secret, or with the older one.
    Use { is_new: bool },
    /// A node notices what was used.
    Notice,
    /// Somebody plans another end.
    Replan(Plan),
    /// Somebody revokes the older one.
    Revoke,
}

#[derive(Clone, Copy, Debug)]
enum Plan {
    AfterFirstUse(u32),
    InSeconds(i64),
}

fn plan() -> impl Strategy<Value = Plan> {
    prop_oneof![
        (0u32..2_000).prop_map(Plan::AfterFirstUse),
        (1i64..2_000).prop_map(Plan::InSeconds),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0i64..700).prop_map(Step::Wait),
        3 => any::<bool>().prop_map(|is_new| Step::Use { is_new }),
        3 => Just(Step::Notice),
        1 => plan().prop_map(Step::Replan),
        1 => Just(Step::Revoke),
    ]
}

impl Plan {
    fn ends(self, now: UnixMillis) -> OldEnds {
        match self {
            Self::AfterFirstUse(grace_seconds) => OldEnds::AfterFirstUse { grace_seconds },
            Self::InSeconds(seconds) => OldEnds::At(now.plus_seconds(seconds)),
        }
    }
}

/// The rows, changed as the use cases change them.
struct Machine {
    rotation: Rotation,
    old: ClientSecret,
    uses: [SecretUses; 2],
}

impl Machine {
    fn end_as_planned(&mut self, now: UnixMillis) {
        if self.old.is_live(now) {
            let end = self.rotation.end_of(&self.rotation.old[0], now);
            self.old = self.old.clone().end_at(end);
        }
    }
}

/// What was promised: the older secret works until the planned end, its own, or a revocation.
#[derive(Debug)]
struct Model {
    /// Fixed, or so many seconds after the first use that was noticed.
    plan: OldEnds,
    own_end: Option<UnixMillis>,
    noticed: Option<UnixMillis>,
    newest_use_of_new: Option<UnixMillis>,
    is_over: bool,
}

impl Model {
    fn end(&self) -> Option<UnixMillis> {
        let planned = match self.plan {
            OldEnds::Now => Some(START),
            OldEnds::At(at) => Some(at),
            OldEnds::AfterFirstUse { grace_seconds } => self
                .noticed
                .map(|first| first.plus_seconds(grace_seconds.into())),
        };
        planned.into_iter().chain(self.own_end).min()
    }

    /// Once over, always over: no later plan brings a secret back.
    fn works(&mut self, now: UnixMillis) -> bool {
        self.is_over |= self.end().is_some_and(|end| end <= now);
        !self.is_over
    }
}

fn begun(plan: Plan, own_end: Option<i64>) -> (Machine, Model) {
    let own_end = own_end.map(|seconds| START.plus_seconds(seconds));
    let old = ClientSecret {
        id: SecretId(1),
        client_id: ClientId(1),
        stored: StoredSecret {
            lookup: Lookup(1),
            hash: [0; 32],
            pepper_version: 1,
            hint: String::new(),
        },
        description: String::new(),
        created_at: START,
        expires_at: own_end,
        revoked_at: None,
        revoked_by: None,
        version: 1,
    };
    let rotation = Rotation {
        client_id: ClientId(1),
        secret_id: SecretId(2),
        old_ends: plan.ends(START),
        old: vec![OldSecret {
            id: old.id,
            expires_at: own_end,
            used: 0,
        }],
        started_by: String::new(),
        started_at: START,
        first_used_at: None,
        version: 1,
    };
    let model = Model {
        plan: rotation.old_ends,
        own_end,
        noticed: None,
        newest_use_of_new: None,
        is_over: false,
    };
    let uses = [SecretUses::default(), SecretUses::default()];
    let mut machine = Machine {
        rotation,
        old,
        uses,
    };
    machine.end_as_planned(START);
    (machine, model)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn an_older_secret_works_exactly_as_long_as_it_was_planned(
        first in plan(),
        own_end in prop::option::of(1i64..3_000),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let (mut machine, mut model) = begun(first, own_end);
        let mut now = START;
        for step in steps {
            match step {
                Step::Wait(seconds) => now = now.plus_seconds(seconds),
                Step::Use { is_new } => {
                    if is_new || machine.old.is_live(now) {
                        let uses = &mut machine.uses[usize::from(is_new)];
                        uses.used += 1;
                        uses.last_used_at = Some(now);
                    }
                    if is_new {
                        model.newest_use_of_new = Some(now);
                    }
                }
                Step::Notice => {
                    if let Some(at) = machine.uses[1].last_used_at {
                        let used = machine.uses[0].used;
                        let before = machine.rotation.version;
                        machine.rotation = machine.rotation.clone().begin_grace(at, |_| used);
                        if machine.rotation.version != before {
                            machine.end_as_planned(now);
                        }
                    }
                    if model.works(now) || model.noticed.is_none() {
                        model.noticed = model.noticed.or(model.newest_use_of_new);
                    }
                }
                Step::Replan(plan) => {
                    // Nobody can change a rotation that is over.
                    if machine.rotation.is_under_way(std::slice::from_ref(&machine.old), now) {
                        machine.rotation = machine.rotation.clone().replan(plan.ends(now));
                        machine.end_as_planned(now);
                        model.plan = plan.ends(now);
                    }
                }
                Step::Revoke => {
                    machine.old = machine.old.clone().revoke(now, "somebody");
                    model.is_over = true;
                }
            }
            let works = machine.old.is_live(now);
            prop_assert_eq!(works, model.works(now), "at {:?}: {:?}", now, model);
            let verdict = machine.rotation.verdict(
                &machine.rotation.old[0],
                &machine.uses[0],
                TOKEN_SECONDS,
                now,
            );
            // Nobody is told that an older one can go that got a token which still lives.
            if let Verdict::SafeToRetire { .. } = verdict {
                let last = machine.uses[0].last_used_at;
                let silent = last.is_none_or(|last| last.plus_seconds(TOKEN_SECONDS.into()) <= now);
                prop_assert!(silent && model.newest_use_of_new.is_some());
            }
        }
    }
}
