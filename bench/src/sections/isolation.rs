//! What good requests feel of others: verifications at a steady rate, alone, during a flood of keys
//! that nobody has, and while people sign in, export, read a long page and import.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use super::Section;
use crate::bars::{Bar, Unit};
use crate::latency::Latencies;
use crate::load::{self, Work};
use crate::pace::paced;
use crate::plan::Plan;
use crate::report::{Bench, median};
use crate::server::{Claviger, Scratch, program};
use crate::{population, resident};

pub(crate) const SECTION: Section = Section {
    name: "isolation",
    measures: "p99 of verifications at a steady rate beside others, against alone",
    bars: &[FLOOD, BUSY],
    run,
};

const FLOOD: Bar = Bar::at_most(
    "p99 during a flood of random keys, against alone",
    Unit::Times,
    2.0,
);
const BUSY: Bar = Bar::at_most(
    "p99 beside sign-ins, export, page and import, against alone",
    Unit::Times,
    2.0,
);

/// How many times the rate of the good requests the flood has.
const FLOOD_TIMES: u32 = 10;
/// Sign-ins that run at once.
const SIGN_INS: usize = 8;
/// How long others run before they are looked at.
const WARM_UP: Duration = Duration::from_millis(100);

fn run(bench: &mut Bench) -> Result<()> {
    let plan = bench.plan;
    let population = bench.wait(population::of(plan.page_keys))?;
    let claviger = Claviger::start_on_copy(&population)?;
    let session = bench.wait(claviger.sign_in())?;
    let good = Work::verification_of(resident::numbers(plan.page_keys), true);
    let measured = || -> Result<f64> {
        let seen = paced(claviger.internal, &good, plan.paced, plan.run)?;
        Ok(seen.micros(990))
    };
    // What is cold is not measured.
    measured()?;
    let (mut alone, mut flooded, mut busy) = (Vec::new(), Vec::new(), Vec::new());
    let mut done = String::new();
    for number in 0..plan.runs {
        alone.push(measured()?);
        let flood = Flood::start(claviger.internal, plan);
        flooded.push(measured()?);
        flood.end()?;
        alone.push(measured()?);
        let others = Others::start(&claviger, &session, plan, number)?;
        busy.push(measured()?);
        done = others.end()?;
    }
    let (alone, flooded, busy) = (median(alone), median(flooded), median(busy));
    let a_second = plan.paced;
    let detail = format!(
        "p99 {flooded:.0} us at {} random keys a second, {alone:.0} us alone at {a_second}/s",
        a_second * FLOOD_TIMES
    );
    bench.add(FLOOD.figure(flooded / alone, detail));
    let detail = format!("p99 {busy:.0} us, {alone:.0} us alone; the last run beside {done}");
    bench.add(BUSY.figure(busy / alone, detail));
    Ok(())
}

/// Requests with well-formed keys that nobody has.
struct Flood(JoinHandle<Result<Latencies>>);

impl Flood {
    fn start(address: SocketAddr, plan: Plan) -> Self {
        let thread = std::thread::spawn(move || {
            let work = Work::verification_of(resident::STRANGERS, false);
            let rate = plan.paced * FLOOD_TIMES;
            paced(address, &work, rate, plan.run + 2 * WARM_UP)
        });
        std::thread::sleep(WARM_UP);
        Self(thread)
    }

    fn end(self) -> Result<()> {
        let seen = self.0.join().map_err(|_| anyhow!("the flood panicked"))??;
        ensure!(seen.total() > 0, "the flood was none");
        Ok(())
    }
}

/// People at work, each again and again until the time is over.
struct Others {
    loops: Vec<(&'static str, JoinHandle<Result<u64>>)>,
    _files: Scratch,
}

impl Others {
    fn start(claviger: &Claviger, session: &str, plan: Plan, number: usize) -> Result<Self> {
        let until = Instant::now() + plan.run + 2 * WARM_UP;
        let bearer = format!("Bearer {session}");
        let cookie = format!("claviger_session={session}");
        let export = Work::get("/v1/audit/export", &[("Authorization", &*bearer)]);
        let page = Work::get("/keys", &[("Cookie", &*cookie)]);
        let rows = Work::get("/api/keys?limit=1000", &[("Authorization", &*bearer)]);
        let public = claviger.public;
        let files = Scratch::new()?;
        std::fs::create_dir_all(files.path())?;
        let import = {
            let (path, files) = (claviger.path.clone(), files.path().to_owned());
            move || {
                let mut count = 0;
                while Instant::now() < until {
                    let file = files.join(format!("{count}.jsonl"));
                    let first = (number as u64 + 1) << 32 | count << 20;
                    std::fs::write(&file, lines(first, plan.import_lines)?)?;
                    import(&path, &file)?;
                    count += 1;
                }
                Ok(count)
            }
        };
        let loops = vec![
            (
                "sign-ins",
                asked(public, claviger.sign_in_work(), SIGN_INS, until),
            ),
            ("exports", asked(public, export, 1, until)),
            ("pages", asked(public, page, 1, until)),
            ("lists of 1,000 rows", asked(public, rows, 1, until)),
            ("imports", std::thread::spawn(import)),
        ];
        std::thread::sleep(WARM_UP);
        Ok(Self {
            loops,
            _files: files,
        })
    }

    /// How much of each was done.
    fn end(self) -> Result<String> {
        let mut done = String::new();
        for (name, thread) in self.loops {
            let count = thread.join().map_err(|_| anyhow!("{name} panicked"))??;
            if !done.is_empty() {
                done.push_str(", ");
            }
            write!(done, "{count} {name}")?;
        }
        Ok(done)
    }
}

/// Asks again and again, in a thread of its own; how often that was answered.
fn asked(
    address: SocketAddr,
    work: Work,
    connections: usize,
    until: Instant,
) -> JoinHandle<Result<u64>> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let time = until.saturating_duration_since(Instant::now());
        let seen = runtime.block_on(load::answers(address, &work, connections, time))?;
        Ok(seen.total())
    })
}

/// A file with the hashes of keys that were made elsewhere.
fn lines(first: u64, count: u64) -> Result<String> {
    let mut lines = String::new();
    for number in first..first + count {
        let hash = format!("{:016x}", resident::mixed(number)).repeat(4);
        writeln!(
            lines,
            "{{\"name\":\"Old {number}\",\"hash\":\"{hash}\",\"algorithm\":\"sha256\",\
             \"scopes\":[\"read:leads\"]}}"
        )?;
    }
    Ok(lines)
}

/// `claviger import keys` beside the running server.
fn import(path: &std::path::Path, file: &std::path::Path) -> Result<()> {
    let output = Command::new(program()?)
        .args(["import", "keys"])
        .arg(file)
        .arg("--data")
        .arg(path)
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "the import failed: {said}");
    Ok(())
}
