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
    bars: &[REPEATED, SCATTERED],
    run,
};

const REPEATED: Bar = Bar::at_most(
    "unknown against wrong secret, each tried again and again",
    Unit::Percent,
    5.0,
);
const SCATTERED: Bar = Bar::at_most(
    "unknown against wrong secret, among thousands of others",
    Unit::Percent,
    5.0,
);
/// Texts of each kind. Whoever asks after one identifier through a network has to ask many times,
/// so that it lies in the processor's caches; thousands do not.
const TEXTS: [(u64, Bar); 2] = [(256, REPEATED), (4_096, SCATTERED)];
/// Of a key's random bytes those that its public identifier is made of, with some to spare.
const PUBLIC_BYTES: usize = 16;

fn run(bench: &mut Bench) -> Result<()> {
    let mut worst: [Option<(f64, String)>; TEXTS.len()] = [const { None }; TEXTS.len()];
    let sizes = bench.plan.refused_keys;
    for keys in sizes.iter().copied() {
        let keyring = resident::keyring()?;
        let index = resident::filled(keys, (keys / 100).max(1), &keyring)?;
        let verifier = resident::started(keyring, index);
        for ((count, _), worst) in TEXTS.iter().zip(&mut worst) {
            let rounds = bench.plan.decisions / sizes.len() / usize::try_from(*count)?;
            let texts = texts(keys, *count)?;
            let [unknown, wrong] = measured(&verifier, &texts, rounds.max(2));
            let difference = unknown.median() - wrong.median();
            let percent = 100.0 * difference.abs() / wrong.median();
            if worst.as_ref().is_none_or(|(most, _)| *most < percent) {
                let detail = detail(keys, &unknown, &wrong);
                *worst = Some((percent, detail));
            }
        }
    }
    for ((_, bar), worst) in TEXTS.into_iter().zip(worst) {
        let (percent, detail) = worst.context("no size was measured")?;
        bench.add(bar.figure(percent, detail));
    }
    Ok(())
}

fn detail(keys: u64, unknown: &Measured, wrong: &Measured) -> String {
    format!(
        "worst with {keys} keys: medians {:.0} and {:.0} ns of {} each; means without the slowest \
         tenth {:.1} and {:.1} ns, Welch's t {:.1}",
        unknown.median(),
        wrong.median(),
        unknown.0.len(),
        unknown.moments().0,
        wrong.moments().0,
        welch(unknown, wrong),
    )
}

/// So many secrets that nobody has, and as many wrong ones of keys drawn at random: those of the
/// first keys, each once, would touch more memory than what stands in for unknown ones.
fn texts(keys: u64, count: u64) -> Result<[Vec<Plaintext>; 2]> {
    let minted = |at| resident::minted(keys + 1 + at).context("enough digits");
    let wrong = |at| wrong(1 + resident::mixed(at) % keys, keys + 1 + at);
    Ok([
        (0..count).map(minted).collect::<Result<_>>()?,
        (0..count).map(wrong).collect::<Result<_>>()?,
    ])
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
fn measured(verifier: &Verifier, texts: &[Vec<Plaintext>; 2], rounds: usize) -> [Measured; 2] {
    let mut times = [Vec::new(), Vec::new()];
    let mut arrived = String::new();
    let mut order = 0x5eed_5eed_5eed_5eed_u64;
    for round in 0..rounds {
        for pair in texts[0].iter().zip(&texts[1]) {
            // xorshift: irregular, and the same in every run.
            order ^= order << 13;
            order ^= order >> 7;
            order ^= order << 17;
            let first = usize::from(order & 1 == 1);
            for kind in [first, 1 - first] {
                let text = if kind == 0 { pair.0 } else { pair.1 };
                // Whatever arrives was read a moment ago: its own memory is warm.
                arrived.clear();
                arrived.push_str(text.expose());
                let request = resident::request(black_box(&arrived));
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
