//! What it costs to count each request, and whether the counts are exact.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use claviger_model::secret::Plaintext;
use claviger_service::propagation::Role;
use claviger_service::sources::Sources;
use claviger_service::usage::{UsageRecorder, Where};
use claviger_store::{Db, Location};
use claviger_verify::{Now, Verifier};
use rustix::process::Signal;
use serde_json::Value;

use super::{Section, decisions};
use crate::bars::{Bar, Figure, Unit};
use crate::load::{self, Work};
use crate::plan::Plan;
use crate::report::{Bench, median};
use crate::resident;
use crate::server::{Claviger, Scratch};

pub(crate) const SECTION: Section = Section {
    name: "usage",
    measures: "what counting adds to a verification, and whether the counts are exact",
    bars: &[COST],
    run,
};

const COST: Bar = Bar::at_most(
    "counting, of a verification's processor time",
    Unit::Percent,
    5.0,
);

const KEYS: u64 = 10_000;
/// Decisions a second: what `POST /v1/verify` reaches on two cores.
const RATE: u64 = 50_000;
/// Decisions that are made between two looks at the clock.
const BATCH: u64 = 50;
/// A few runs of the whole will do.
const RUNS_MAX: usize = 3;

fn run(bench: &mut Bench) -> Result<()> {
    let path = path(bench.plan)?;
    let (without, with) = cost(bench.plan)?;
    let mut claviger = Claviger::start()?;
    let work = Work::verification(&claviger.secrets.live_key);
    let mut whole = Vec::new();
    for _ in 0..bench.plan.runs.min(RUNS_MAX) {
        let reading = load::run(&claviger.process, claviger.internal, &work, bench.plan);
        whole.push(bench.wait(reading)?.processor_micros * 1_000.0);
    }
    let whole = median(whole);
    let detail =
        format!("{path:.0} ns with {KEYS} keys in use; all of a verification {whole:.0} ns");
    bench.add(COST.figure(100.0 * path / whole, detail));
    let added = with - without;
    let detail = format!(
        "{added:.0} ns of all threads, at {RATE} requests/s of {KEYS} keys, each of which makes \
         rows every second; a decision alone {without:.0} ns"
    );
    let name = "counting and writing counts, of the same";
    bench.add(Figure::of(
        name,
        Unit::Percent,
        100.0 * added / whole,
        detail,
    ));
    let (counted, killed) = bench.wait(exactness(&mut claviger, bench.plan))?;
    bench.add(counted);
    bench.add(killed);
    Ok(())
}

/// Median nanoseconds that counting adds to a decision: what a request waits for.
fn path(plan: Plan) -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let scratch = Scratch::new()?;
    std::fs::create_dir_all(scratch.path())?;
    runtime.block_on(async {
        let keyring = resident::keyring()?;
        let file = scratch.path().join("usage.db");
        let usage_db = Db::open_usage(&Location::Sqlite { file }, keyring.clone()).await?;
        // A command's: what it counts waits for the end.
        let recorder = UsageRecorder::start(usage_db, Sources::system()?, Role::Command);
        let index = resident::filled(KEYS, 1, &keyring)?;
        let verifier = resident::started(keyring, index);
        let work = Paced {
            verifier: &verifier,
            secrets: &resident::spread(KEYS, KEYS)?,
            recorder: &recorder,
        };
        let nanos = |is_counted| {
            decisions::timed(work.secrets, plan.decisions, |secret| {
                work.decide(secret, is_counted);
            })
        };
        // What is cold is not measured.
        nanos(true);
        let added = nanos(true) - nanos(false);
        recorder.close().await;
        Ok(added)
    })
}

/// Median processor nanoseconds of a decision without counting and with it, its writing to the
/// disk included, at the rate of verifications over HTTP.
fn cost(plan: Plan) -> Result<(f64, f64)> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let scratch = Scratch::new()?;
    std::fs::create_dir_all(scratch.path())?;
    runtime.block_on(async {
        let keyring = resident::keyring()?;
        let file = scratch.path().join("usage.db");
        let location = Location::Sqlite { file };
        let usage_db = Db::open_usage(&location, keyring.clone()).await?;
        let recorder = UsageRecorder::start(usage_db, Sources::system()?, Role::Server);
        let index = resident::filled(KEYS, 1, &keyring)?;
        let verifier = resident::started(keyring, index);
        let work = Paced {
            verifier: &verifier,
            secrets: &resident::spread(KEYS, KEYS)?,
            recorder: &recorder,
        };
        let measured = work.in_turns(plan);
        recorder.close().await;
        ensure!(recorder.dropped() == 0, "requests were not counted");
        measured
    })
}

struct Paced<'a> {
    verifier: &'a Verifier,
    secrets: &'a [Plaintext],
    recorder: &'a UsageRecorder,
}

impl Paced<'_> {
    /// Median processor nanoseconds of a decision without counting and with it.
    fn in_turns(&self, plan: Plan) -> Result<(f64, f64)> {
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..plan.runs {
            without.push(self.run(plan.run, false)?);
            with.push(self.run(plan.run, true)?);
        }
        Ok((median(without), median(with)))
    }

    /// Processor nanoseconds of a decision at [`RATE`].
    fn run(&self, time: Duration, is_counted: bool) -> Result<f64> {
        let pause = Duration::from_secs(1) * u32::try_from(BATCH)? / u32::try_from(RATE)?;
        let processor = processor_nanos()?;
        let begun = Instant::now();
        let (mut made, mut at) = (0_u64, 0_usize);
        while begun.elapsed() < time {
            for _ in 0..BATCH {
                at = (at + 7_919) % self.secrets.len();
                self.decide(&self.secrets[at], is_counted);
            }
            made += BATCH;
            let next = pause * u32::try_from(made / BATCH)?;
            std::thread::sleep(next.saturating_sub(begun.elapsed()));
        }
        #[expect(clippy::cast_precision_loss, reason = "both stay far below 2^52")]
        Ok((processor_nanos()? - processor) as f64 / made as f64)
    }

    fn decide(&self, secret: &Plaintext, is_counted: bool) {
        let now: Now = resident::NOW;
        let decision = self
            .verifier
            .decide(&resident::request(secret.expose()), now);
        assert!(decision.is_allowed());
        if is_counted {
            let seen = Where {
                at: now.wall,
                ip: Some([192, 0, 2, 7].into()),
                user_agent: Some("bench/1"),
            };
            self.recorder.decided(&decision, &[], seen);
        }
    }
}

/// The processor time of all threads of this process.
fn processor_nanos() -> Result<u64> {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok(u64::try_from(spent.tv_sec)? * 1_000_000_000 + u64::try_from(spent.tv_nsec)?)
}

/// Verifies very often, and looks whether all of it is counted: after a stop, and after a kill.
async fn exactness(claviger: &mut Claviger, plan: Plan) -> Result<(Figure, Figure)> {
    let work = Work::verification(&claviger.secrets.live_key);
    let before = counted(claviger).await?;
    let begun = Instant::now();
    load::exactly(claviger.internal, &work, plan.connections, plan.counted).await?;
    let seconds = begun.elapsed().as_secs_f64();
    claviger.end_and_start(Signal::TERM)?;
    let after = counted(claviger).await?;
    ensure!(after - before == plan.counted, "the counts are not exact");
    let sent = plan.counted / 10;
    load::exactly(claviger.internal, &work, plan.connections, sent).await?;
    claviger.end_and_start(Signal::KILL)?;
    let last = counted(claviger).await?;
    ensure!(last - after <= sent, "something was counted twice");
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let figure = |name, count: u64, detail| Figure::of(name, Unit::Count, count as f64, detail);
    Ok((
        figure(
            "counted after a graceful stop",
            after - before,
            format!("of {} in {seconds:.1} s", plan.counted),
        ),
        figure(
            "counted after kill -9",
            last - after,
            format!("of {sent} more; at most the last second may be lost"),
        ),
    ))
}

/// How many requests are counted as allowed.
async fn counted(claviger: &Claviger) -> Result<u64> {
    let bearer = format!("Bearer {}", claviger.sign_in().await?);
    let work = Work::get("/v1/usage?by=outcome", &[("Authorization", &*bearer)]);
    let answer = load::once(claviger.public, &work).await?;
    let answer: Value = serde_json::from_str(&answer)?;
    let Some(allowed) = answer.pointer("/total/allowed").and_then(Value::as_u64) else {
        bail!("no total in {answer}");
    };
    Ok(allowed)
}
