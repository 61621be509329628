//! Claviger beside its floors: the same work with nothing decided, in one run on one machine.
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
mod report;
mod server;

use std::time::Duration;

use anyhow::{Context, Result, bail};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
}

const FULL: Plan = Plan {
    runs: 5,
    run: Duration::from_secs(4),
    connections: 32,
    decisions: 2_000_000,
};
/// To see that nothing broke; its figures mean nothing.
const SHORT: Plan = Plan {
    runs: 1,
    run: Duration::from_millis(300),
    connections: 8,
    decisions: 20_000,
};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["floor"] => floor::serve(),
        [] => run(FULL),
        ["--short"] => run(SHORT),
        _ => bail!("usage: cargo xtask bench [--short]"),
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

/// Verification over HTTP, beside a bare server that reads and answers the same bytes.
async fn over_http(plan: Plan) -> Result<Vec<report::HttpRow>> {
    let claviger = server::Claviger::start().context("claviger dev")?;
    let floor = server::Floor::start().context("the floor")?;
    let key = &claviger.live_key;
    let body = format!(
        "{{\"credential\":\"{key}\",\"method\":\"GET\",\"path\":\"/v1/leads\",\"ip\":\"192.0.2.7\"}}"
    );
    let verify = load::Work::post("/v1/verify", &body, "\"allowed\":true");
    let forward = load::Work::get(
        "/verify/http",
        &[
            ("Authorization", &format!("Bearer {key}")),
            ("X-Forwarded-Method", "GET"),
            ("X-Forwarded-Uri", "/v1/leads"),
        ],
    );
    let mut rows = Vec::new();
    for (name, work) in [
        ("POST /v1/verify, API key", verify),
        ("GET /verify/http, API key", forward),
    ] {
        let mut own = Vec::new();
        let mut bare = Vec::new();
        for _ in 0..plan.runs {
            own.push(load::run(&claviger.process, claviger.internal, &work, plan).await?);
            bare.push(load::run(&floor.process, floor.address, &work, plan).await?);
        }
        rows.push(report::HttpRow { name, own, bare });
    }
    Ok(rows)
}
