//! What it costs to count each request, and whether the counts are exact.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use claviger_model::keyring::{Keyring, master_key_line};
use claviger_model::secret::Plaintext;
use claviger_service::propagation::Role;
use claviger_service::sources::Sources;
use claviger_service::usage::{UsageRecorder, Where};
use claviger_store::{Db, Location};
use claviger_verify::{Now, Verifier};
use rustix::process::Signal;
use serde_json::Value;

use crate::load::{self, Work};
use crate::report::median;
use crate::server::Claviger;
use crate::{Plan, decide};

const KEYS: u64 = 10_000;
/// Decisions a second: what `POST /v1/verify` reaches on two cores.
const RATE: u64 = 50_000;
/// Decisions that are made between two looks at the clock.
const BATCH: u64 = 50;

/// Prints what counting adds to the processor time of a decision, its writing to the disk
/// included, at the rate of verifications over HTTP.
pub(crate) fn cost(plan: Plan) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let directory = std::env::temp_dir().join(format!("claviger-usage-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let measured = runtime.block_on(async {
        let keyring = Arc::new(Keyring::parse(&master_key_line(1, &[7; 32]))?);
        let file = directory.join("usage.db");
        let location = Location::Sqlite { file };
        let usage_db = Db::open_usage(&location, Arc::clone(&keyring)).await?;
        let recorder = UsageRecorder::start(usage_db, Sources::system()?, Role::Server);
        let (index, secrets) = decide::filled(KEYS, &keyring)?;
        let verifier = decide::started(keyring, index);
        let work = Paced {
            verifier: &verifier,
            secrets: &secrets,
            recorder: &recorder,
        };
        let measured = work.in_turns(plan);
        recorder.close().await;
        ensure!(recorder.dropped() == 0, "requests were not counted");
        measured
    });
    std::fs::remove_dir_all(&directory)?;
    let (without, with) = measured?;
    println!(
        "counting a request, {KEYS} keys, {RATE} requests/s        {:>6.0} ns of processor, with \
         its share of writing to the disk (a decision alone {without:.0} ns)",
        with - without
    );
    Ok(())
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
        let now: Now = decide::NOW;
        let decision = self.verifier.decide(&decide::request(secret.expose()), now);
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
pub(crate) async fn exactness(claviger: &mut Claviger, plan: Plan) -> Result<()> {
    let work = crate::verification::verify(&claviger.live_key);
    let before = counted(claviger).await?;
    let begun = Instant::now();
    load::exactly(claviger.internal, &work, plan.connections, plan.counted).await?;
    let seconds = begun.elapsed().as_secs_f64();
    claviger.end_and_start(Signal::TERM)?;
    let after = counted(claviger).await?;
    println!(
        "{} verifications in {seconds:.1} s and a graceful stop: {} counted",
        plan.counted,
        after - before
    );
    ensure!(after - before == plan.counted, "the counts are not exact");
    let sent = plan.counted / 10;
    load::exactly(claviger.internal, &work, plan.connections, sent).await?;
    claviger.end_and_start(Signal::KILL)?;
    let last = counted(claviger).await?;
    println!("{sent} more and kill -9: {} counted", last - after);
    ensure!(last - after <= sent, "something was counted twice");
    Ok(())
}

/// How many requests are counted as allowed.
async fn counted(claviger: &Claviger) -> Result<u64> {
    let bearer = format!("Bearer {}", claviger.session_token);
    let work = Work::get("/v1/usage?by=outcome", &[("Authorization", &*bearer)]);
    let answer = load::once(claviger.public, &work).await?;
    let answer: Value = serde_json::from_str(&answer)?;
    let Some(allowed) = answer.pointer("/total/allowed").and_then(Value::as_u64) else {
        bail!("no total in {answer}");
    };
    Ok(allowed)
}
