//! What grows: keys, connections, accounts, changes. Each size against the smallest.

use std::time::Duration;

use anyhow::{Result, anyhow};

use super::Section;
use super::decisions::of_keys;
use super::size::side;
use crate::bars::{Figure, Unit};
use crate::compare::Side;
use crate::load;
use crate::pace::paced;
use crate::plan::Plan;
use crate::population;
use crate::report::{Bench, median};
use crate::server::Claviger;

pub(crate) const SECTION: Section = Section {
    name: "growth",
    measures: "throughput at three sizes of what grows, against the smallest",
    bars: &[],
    run,
};

/// Keys where something else grows.
const KEYS: u64 = 10_000;
/// Keys of an account.
const KEYS_OF_ACCOUNT: u64 = 100;
/// Sizes are many: a few runs of each will do.
const RUNS_MAX: usize = 3;

fn run(bench: &mut Bench) -> Result<()> {
    let plan = Plan {
        runs: bench.plan.runs.min(RUNS_MAX),
        ..bench.plan
    };
    decided(bench, plan)?;
    keys(bench, plan)?;
    connections(bench, plan)?;
    changes(bench, plan)
}

/// In process: keys, and accounts.
fn decided(bench: &mut Bench, plan: Plan) -> Result<()> {
    let keys = plan.grown_keys.map(|keys| {
        let accounts = (keys / KEYS_OF_ACCOUNT).max(1);
        (format!("{keys} keys"), keys, accounts)
    });
    let in_accounts = plan.grown_accounts.map(|accounts| {
        (
            format!("{accounts} accounts"),
            KEYS.min(plan.page_keys),
            accounts,
        )
    });
    for sizes in [keys, in_accounts] {
        let mut smallest = None;
        for (name, keys, accounts) in sizes {
            let (nanos, _) = of_keys(keys, accounts, plan.decisions)?;
            let rate = 1e9 / nanos;
            let first = *smallest.get_or_insert(rate);
            let name = format!("decide, {name}");
            bench.add(Figure::of(
                name,
                Unit::Times,
                rate / first,
                format!("{nanos:.0} ns"),
            ));
        }
    }
    Ok(())
}

/// Over HTTP: any of so many keys.
fn keys(bench: &mut Bench, plan: Plan) -> Result<()> {
    let servers = plan
        .grown_keys
        .iter()
        .map(|&keys| {
            let population = bench.wait(population::of(keys))?;
            Ok((Claviger::start_on(&population)?, keys))
        })
        .collect::<Result<Vec<_>>>()?;
    let sides = servers
        .iter()
        .map(|(claviger, keys)| {
            let name = format!("POST /v1/verify, {keys} keys");
            (name, side(claviger, *keys), plan)
        })
        .collect::<Vec<_>>();
    in_turns(bench, plan.runs, &sides)
}

/// Over HTTP: so many at once.
fn connections(bench: &mut Bench, plan: Plan) -> Result<()> {
    let keys = KEYS.min(plan.page_keys);
    let population = bench.wait(population::of(keys))?;
    let claviger = Claviger::start_on(&population)?;
    let sides = plan
        .grown_connections
        .iter()
        .map(|&connections| {
            let name = format!("POST /v1/verify, {connections} connections");
            let plan = Plan {
                connections,
                ..plan
            };
            (name, side(&claviger, keys), plan)
        })
        .collect::<Vec<_>>();
    in_turns(bench, plan.runs, &sides)
}

/// Measures each in turns, and adds its throughput against that of the first.
fn in_turns(bench: &mut Bench, runs: usize, sides: &[(String, Side<'_>, Plan)]) -> Result<()> {
    let mut rates = vec![Vec::new(); sides.len()];
    for _ in 0..runs {
        for ((_, side, plan), rates) in sides.iter().zip(&mut rates) {
            let reading = load::run(side.process, side.address, &side.work, *plan);
            rates.push(bench.wait(reading)?.rate);
        }
    }
    let names = sides.iter().map(|(name, ..)| name.clone());
    add_rates(bench, names.zip(rates.into_iter().map(median)));
    Ok(())
}

/// Over HTTP, while so many keys a second are made.
fn changes(bench: &mut Bench, plan: Plan) -> Result<()> {
    let keys = KEYS.min(plan.page_keys);
    let population = bench.wait(population::of(keys))?;
    let claviger = Claviger::start_on_copy(&population)?;
    let session = bench.wait(claviger.sign_in())?;
    let change = Claviger::key_work(&session);
    let mut rates = vec![Vec::new(); plan.grown_changes.len()];
    for _ in 0..plan.runs {
        for (&a_second, rates) in plan.grown_changes.iter().zip(&mut rates) {
            // As long as the load, with what comes before it.
            let time = plan.run + plan.run / 8 + Duration::from_millis(50);
            let reading = std::thread::scope(|scope| {
                let changing = (a_second > 0)
                    .then(|| scope.spawn(|| paced(claviger.public, &change, a_second, time)));
                let side = side(&claviger, keys);
                let reading = load::run(side.process, side.address, &side.work, plan);
                let reading = bench.wait(reading)?;
                if let Some(changing) = changing {
                    changing
                        .join()
                        .map_err(|_| anyhow!("a thread panicked"))??;
                }
                Ok::<_, anyhow::Error>(reading)
            })?;
            rates.push(reading.rate);
        }
    }
    let names = plan
        .grown_changes
        .map(|a_second| format!("POST /v1/verify, {a_second} changes of keys a second"));
    add_rates(bench, names.into_iter().zip(rates.into_iter().map(median)));
    Ok(())
}

fn add_rates(bench: &mut Bench, rates: impl Iterator<Item = (String, f64)>) {
    let mut smallest = None;
    for (name, rate) in rates {
        let first = *smallest.get_or_insert(rate);
        let detail = format!("{rate:.0}/s");
        bench.add(Figure::of(name, Unit::Times, rate / first, detail));
    }
}
