//! Starting with many keys: from the first instruction to the line that says "ready".

use std::time::Instant;

use anyhow::Result;
use rustix::process::Signal;

use super::Section;
use crate::bars::{Bar, Figure, Unit};
use crate::load::{self, Work};
use crate::report::{Bench, median};
use crate::server::Claviger;
use crate::{population, resident};

pub(crate) const SECTION: Section = Section {
    name: "start",
    measures: "from the start of the program to its line that it is ready, SQLite",
    bars: &[READY],
    run,
};

const READY: Bar = Bar::at_most("ready to serve with 1,000,000 keys", Unit::Seconds, 5.0);

/// Starts are long: a few will do.
const RUNS_MAX: usize = 3;
const KEYS_MANY: u64 = 10_000_000;

fn run(bench: &mut Bench) -> Result<()> {
    let keys = bench.plan.start_keys;
    let (seconds, detail) = ready(bench, keys)?;
    bench.add(READY.figure(seconds, detail));
    if bench.plan.is_ten_million {
        let (seconds, detail) = ready(bench, KEYS_MANY)?;
        let name = "ready to serve with 10,000,000 keys";
        bench.add(Figure::of(name, Unit::Seconds, seconds, detail));
    }
    Ok(())
}

/// Median seconds until it is ready with so many keys.
fn ready(bench: &Bench, keys: u64) -> Result<(f64, String)> {
    let population = bench.wait(population::of(keys))?;
    let mut seconds = Vec::new();
    for _ in 0..bench.plan.runs.min(RUNS_MAX) {
        let begun = Instant::now();
        let mut claviger = Claviger::start_on(&population)?;
        seconds.push(begun.elapsed().as_secs_f64());
        let work = Work::verification_of(resident::numbers(keys), true);
        bench.wait(load::exactly(claviger.internal, &work, 1, 20))?;
        claviger.process.end(Signal::TERM)?;
    }
    let seen: Vec<String> = seconds.iter().map(|each| format!("{each:.2}")).collect();
    Ok((
        median(seconds),
        format!("{keys} keys; each {} s", seen.join(", ")),
    ))
}
