//! Throughput with very many keys, of which any may come next, against few.

use anyhow::Result;

use super::Section;
use crate::bars::{Bar, Figure, Unit};
use crate::compare::{Side, compare};
use crate::load::Work;
use crate::report::Bench;
use crate::server::Claviger;
use crate::{population, resident};

pub(crate) const SECTION: Section = Section {
    name: "size",
    measures: "POST /v1/verify with keys drawn from all of very many, against from few",
    bars: &[TEN_MILLION],
    run,
};

const TEN_MILLION: Bar = Bar::at_least(
    "throughput at 10,000,000 keys against 1,000",
    Unit::Times,
    0.8,
);
const KEYS_FOR_BAR: u64 = 10_000_000;

fn run(bench: &mut Bench) -> Result<()> {
    let plan = bench.plan;
    let few = plan.small_keys;
    let many = if plan.is_ten_million {
        KEYS_FOR_BAR
    } else {
        plan.large_keys
    };
    let populations = (
        bench.wait(population::of(few))?,
        bench.wait(population::of(many))?,
    );
    let servers = (
        Claviger::start_on(&populations.0)?,
        Claviger::start_on(&populations.1)?,
    );
    let (small, large) = (side(&servers.0, few), side(&servers.1, many));
    let compared = bench.wait(compare(large, "few", small, plan))?;
    let figure = compared.rate(&TEN_MILLION);
    bench.add(if plan.is_ten_million || plan.is_short {
        figure
    } else {
        Figure {
            name: format!("throughput at {many} keys against {few}"),
            limit: None,
            ..figure
        }
    });
    Ok(())
}

/// A server that is asked for any of its keys.
pub(super) fn side(claviger: &Claviger, keys: u64) -> Side<'_> {
    Side {
        process: &claviger.process,
        address: claviger.internal,
        work: Work::verification_of(resident::numbers(keys), true),
    }
}
