//! `decide` in process, beside its floor: of a key one keyed hash and one look-up in the same map,
//! of an access token that was seen before one hash and one look-up.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use claviger_model::ids::AccountId;
use claviger_model::secret::Plaintext;
use claviger_verify::Index;

use super::Section;
use crate::bars::{Bar, Unit};
use crate::report::{Bench, median};
use crate::{issued, resident};

pub(crate) const SECTION: Section = Section {
    name: "decisions",
    measures: "`decide` in process: median nanoseconds of a decision, and its allocations",
    bars: &[FEW_KEYS, MANY_KEYS, TOKENS, ALLOCATIONS],
    run,
};

const FEW_KEYS: Bar = Bar::at_most("decide, API key, 10,000 keys", Unit::Nanos, 500.0);
const MANY_KEYS: Bar = Bar::at_most("decide, API key, 10,000,000 keys", Unit::Nanos, 1_000.0);
const TOKENS: Bar = Bar::at_most("decide, access token seen before", Unit::Nanos, 1_000.0);
const ALLOCATIONS: Bar = Bar::at_most("heap allocations of a decision", Unit::Count, 0.0);

/// What the tests of the allocations came to; `cargo xtask bench` runs them.
const ALLOCATIONS_VARIABLE: &str = "CLAVIGER_BENCH_ALLOCATIONS";
/// Decisions timed together: a clock costs as much as a part of one decision.
const BATCH: usize = 64;
/// Texts of keys in memory: more would take the caches away from the index.
const TEXTS_MAX: u64 = 100_000;
/// Keys of an account.
const KEYS_OF_ACCOUNT: u64 = 100;

fn run(bench: &mut Bench) -> Result<()> {
    let plan = bench.plan;
    for (bar, keys) in [FEW_KEYS, MANY_KEYS].into_iter().zip(plan.decided_keys) {
        let accounts = (keys / KEYS_OF_ACCOUNT).max(1);
        let (nanos, floor) = of_keys(keys, accounts, plan.decisions)?;
        bench.add(bar.figure(nanos, beside(nanos, floor)));
    }
    let (nanos, floor) = of_tokens(plan.decided_tokens, plan.decisions)?;
    let detail = format!("{} tokens; {}", plan.decided_tokens, beside(nanos, floor));
    bench.add(TOKENS.figure(nanos, detail));
    if let Ok(tests) = std::env::var(ALLOCATIONS_VARIABLE) {
        let is_quiet = tests == "none";
        let detail = "by the tests `allocation` of claviger-verify";
        bench.add(ALLOCATIONS.figure(f64::from(u8::from(!is_quiet)), detail));
    }
    Ok(())
}

fn beside(nanos: f64, floor: f64) -> String {
    format!("floor {floor:.0} ns: {:.2}x", nanos / floor)
}

/// Median nanoseconds of a decision among so many keys, and of the floor.
pub(super) fn of_keys(keys: u64, accounts: u64, decisions: usize) -> Result<(f64, f64)> {
    let keyring = resident::keyring()?;
    let index = resident::filled(keys, accounts, &keyring)?;
    let secrets = resident::spread(keys, TEXTS_MAX)?;
    let floor = papaya::HashMap::new();
    for secret in &secrets {
        floor.pin().insert(secret.lookup(), Arc::new([0u8; 64]));
    }
    let verifier = resident::started(Arc::clone(&keyring), index);
    let decide = |secret: &Plaintext| {
        let request = resident::request(secret.expose());
        let decision = verifier.decide(&request, resident::NOW);
        assert!(black_box(decision).is_allowed());
    };
    let bare = |secret: &Plaintext| {
        let found = floor.pin().get(&secret.lookup()).cloned();
        black_box(found);
        black_box(keyring.hash_secret(1, secret.expose()));
    };
    Ok((
        timed(&secrets, decisions, decide),
        timed(&secrets, decisions, bare),
    ))
}

fn of_tokens(count: u64, decisions: usize) -> Result<(f64, f64)> {
    let keyring = resident::keyring()?;
    let index = Index::default();
    index.put_account(&resident::account(AccountId(1)));
    index.set_apis(&[resident::api()?]);
    let tokens = issued::tokens(&index, &keyring, count)?;
    let verifier = resident::started(keyring, index);
    let floor = papaya::HashMap::new();
    let decide = |token: &String| {
        let decision = verifier.decide(&resident::request(token), resident::NOW);
        assert!(black_box(decision).is_allowed());
    };
    for token in &tokens {
        decide(token);
        floor.pin().insert(issued::hash(token), Arc::new([0u8; 64]));
    }
    let bare = |token: &String| {
        let found = floor.pin().get(&issued::hash(token)).cloned();
        black_box(found);
    };
    Ok((
        timed(&tokens, decisions, decide),
        timed(&tokens, decisions, bare),
    ))
}

/// Median nanoseconds of one call, over batches that walk the credentials in an order that no cache
/// foresees.
pub(super) fn timed<T>(credentials: &[T], calls: usize, call: impl Fn(&T)) -> f64 {
    let mut at = 0usize;
    let mut batches = Vec::with_capacity(calls / BATCH);
    for _ in 0..calls / BATCH {
        let begun = Instant::now();
        for _ in 0..BATCH {
            at = (at
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_041))
                >> 1;
            call(&credentials[at % credentials.len()]);
        }
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a batch are few")]
        batches.push(begun.elapsed().as_nanos() as f64 / BATCH as f64);
    }
    median(batches)
}
