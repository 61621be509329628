//! Whether the time of a refusal tells a secret that nobody has from a wrong one of a known key:
//! `decide` in process, where nothing of a network hides a difference.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result};
use claviger_model::secret::{MINT_RANDOM_BYTES, Plaintext};
use claviger_verify::Verifier;

use super::Section;
use crate::bars::{Bar, Unit};
use crate::report::Bench;
use crate::resident;

pub(crate) const SECTION: Section = Section {
    name: "refusals",
    measures: "`decide` in process: an unknown secret against a wrong one, taken in turns",
    bars: &[DIFFERENCE],
    run,
};

const DIFFERENCE: Bar = Bar::at_most(
    "difference of the medians, unknown against wrong secret",
    Unit::Percent,
    5.0,
);
const KEYS: u64 = 10_000;
/// Texts of each kind, so that none is alone in the processor's caches.
const TEXTS: u64 = 4_096;
/// Of a key's random bytes those that its public identifier is made of, with some to spare.
const PUBLIC_BYTES: usize = 16;

fn run(bench: &mut Bench) -> Result<()> {
    let keyring = resident::keyring()?;
    let index = resident::filled(KEYS, KEYS / 100, &keyring)?;
    let verifier = resident::started(keyring, index);
    let unknown: Vec<Plaintext> = (0..TEXTS)
        .map(|at| resident::minted(KEYS + 1 + at).context("enough digits"))
        .collect::<Result<_>>()?;
    let wrong: Vec<Plaintext> = (0..TEXTS)
        .map(|at| wrong(1 + at % KEYS, KEYS + 1 + at))
        .collect::<Result<_>>()?;
    let rounds = bench.plan.decisions / unknown.len();
    let [unknown, wrong] = measured(&verifier, [&unknown, &wrong], rounds.max(2));
    let difference = unknown.median() - wrong.median();
    let percent = 100.0 * difference.abs() / wrong.median();
    let detail = format!(
        "medians {:.0} and {:.0} ns of {} each; means without the slowest tenth {:.1} and {:.1} \
         ns, Welch's t {:.1}",
        unknown.median(),
        wrong.median(),
        unknown.0.len(),
        unknown.moments().0,
        wrong.moments().0,
        welch(&unknown, &wrong),
    );
    bench.add(DIFFERENCE.figure(percent, detail));
    Ok(())
}

/// A secret with the identifier of one key and the rest of another.
fn wrong(number: u64, other: u64) -> Result<Plaintext> {
    let mut random: [u8; MINT_RANDOM_BYTES] = resident::random(other);
    let own = resident::random(number);
    random[..PUBLIC_BYTES].copy_from_slice(&own[..PUBLIC_BYTES]);
    let minted = Plaintext::mint("ck_live_", &random).context("enough digits")?;
    anyhow::ensure!(
        Some(minted.lookup()) == resident::minted(number).map(|own| own.lookup()),
        "the identifier is another"
    );
    Ok(minted)
}

/// What was measured of a kind, in nanoseconds, in order.
struct Measured(Vec<f64>);

impl Measured {
    fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }

    /// Mean, variance and count of what is not among the slowest tenth: those were interrupted.
    fn moments(&self) -> (f64, f64, f64) {
        let kept = &self.0[..self.0.len() * 9 / 10];
        #[expect(clippy::cast_precision_loss, reason = "far less than 2^52")]
        let count = kept.len() as f64;
        let mean = kept.iter().sum::<f64>() / count;
        let spread = kept.iter().map(|one| (one - mean).powi(2)).sum::<f64>();
        (mean, spread / (count - 1.0), count)
    }
}

/// How many standard errors the means are apart.
fn welch(one: &Measured, other: &Measured) -> f64 {
    let ((mean, variance, count), (mean_2, variance_2, count_2)) = (one.moments(), other.moments());
    (mean - mean_2) / (variance / count + variance_2 / count_2).sqrt()
}

/// Refuses texts of both kinds in turns, either of them first.
fn measured(verifier: &Verifier, texts: [&[Plaintext]; 2], rounds: usize) -> [Measured; 2] {
    let mut times = [Vec::new(), Vec::new()];
    let mut order = 0x5eed_5eed_5eed_5eed_u64;
    for round in 0..rounds {
        for pair in texts[0].iter().zip(texts[1]) {
            // xorshift: irregular, and the same in every run.
            order ^= order << 13;
            order ^= order >> 7;
            order ^= order << 17;
            let first = usize::from(order & 1 == 1);
            for kind in [first, 1 - first] {
                let text = if kind == 0 { pair.0 } else { pair.1 };
                let request = resident::request(black_box(text).expose());
                let begun = Instant::now();
                let decision = black_box(verifier.decide(&request, resident::NOW));
                let took = begun.elapsed();
                assert!(!decision.is_allowed());
                // What is cold is not measured.
                if round > 0 {
                    times[kind].push(took.as_secs_f64() * 1e9);
                }
            }
        }
    }
    times.map(|mut times| {
        times.sort_unstable_by(f64::total_cmp);
        Measured(times)
    })
}
