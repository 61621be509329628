//! Claviger beside its floors, the same work with nothing decided, and beside a rival, in one run
//! on one machine.
//!
//! Every figure is a ratio of medians from alternating runs; an absolute number says something
//! about the machine only.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and its arguments, and prints its table"
)]

mod decide;
mod floor;
mod issued;
mod load;
mod pages;
mod report;
mod server;
mod tokens;
mod usage;
mod verification;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Names the Node that runs the rivals, beside whose packages they are.
const NODE_VARIABLE: &str = "CLAVIGER_BENCH_NODE";

/// How much is measured.
#[derive(Clone, Copy)]
struct Plan {
    /// Alternating runs of each side.
    runs: usize,
    /// How long each run is.
    run: Duration,
    /// Connections of the load.
    connections: usize,
    /// Decisions timed in process.
    decisions: usize,
    /// Keys in the account whose pages are measured.
    keys: usize,
    /// Verifications that are counted.
    counted: u64,
}

const FULL: Plan = Plan {
    runs: 5,
    run: Duration::from_secs(4),
    connections: 32,
    decisions: 2_000_000,
    keys: 10_000,
    counted: 1_000_000,
};
/// To see that nothing broke; its figures mean nothing.
const SHORT: Plan = Plan {
    runs: 1,
    run: Duration::from_millis(300),
    connections: 8,
    decisions: 20_000,
    keys: 100,
    counted: 2_000,
};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["floor"] => floor::serve(),
        [] => run(FULL),
        ["--short"] => run(SHORT),
        ["pages"] => run_pages(FULL),
        ["usage"] => run_usage(FULL),
        _ => bail!("usage: cargo xtask bench [--short | pages | usage]"),
    }
}

fn run(plan: Plan) -> Result<()> {
    println!("{}", report::machine());
    let rows = decide::measure(plan.decisions)?;
    rows.iter().for_each(report::print_decide);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let table = runtime.block_on(over_http(plan))?;
    report::print_http(&table);
    Ok(())
}

/// The portal's pages alone.
fn run_pages(plan: Plan) -> Result<()> {
    println!("{}", report::machine());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let claviger = server::Claviger::start().context("claviger dev")?;
    let table = runtime.block_on(pages::measure(&claviger, plan))?;
    report::print_http(&table);
    Ok(())
}

/// What counting costs, and whether it is exact.
fn run_usage(plan: Plan) -> Result<()> {
    println!("{}", report::machine());
    usage::cost(plan)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut claviger = server::Claviger::start().context("claviger dev")?;
    runtime.block_on(usage::exactness(&mut claviger, plan))
}

/// Everything over HTTP: each kind of work with Claviger and with whom it is measured beside, in
/// turns.
async fn over_http(plan: Plan) -> Result<Vec<report::HttpRow>> {
    let claviger = server::Claviger::start().context("claviger dev")?;
    let floor = server::Floor::start().context("the floor")?;
    let mut rows = verification::measure(&claviger, &floor, plan).await?;
    rows.extend(tokens::beside_floor(&claviger, &floor, plan).await?);
    match std::env::var_os(NODE_VARIABLE) {
        Some(node) => {
            let rival = server::Rival::start(&node).context("the rival")?;
            rows.extend(tokens::beside_rival(&claviger, &rival, plan).await?);
        }
        None => println!("no {NODE_VARIABLE}: nothing is measured beside node oidc-provider"),
    }
    rows.extend(pages::measure(&claviger, plan).await?);
    Ok(rows)
}

/// One side of a comparison: a server, where it listens, and what it is asked.
struct Side<'a> {
    process: &'a server::Process,
    address: SocketAddr,
    work: load::Work,
}

/// Measures both sides in turns.
async fn compare(
    name: &'static str,
    own: Side<'_>,
    beside: &'static str,
    other: Side<'_>,
    plan: Plan,
) -> Result<report::HttpRow> {
    let mut row = report::HttpRow {
        name,
        own: Vec::new(),
        beside,
        other: Vec::new(),
    };
    for _ in 0..plan.runs {
        for (side, readings) in [(&own, &mut row.own), (&other, &mut row.other)] {
            let reading = load::run(side.process, side.address, &side.work, plan).await;
            readings.push(reading.with_context(|| name.to_owned())?);
        }
    }
    Ok(row)
}
