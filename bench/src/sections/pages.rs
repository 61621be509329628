//! The portal's pages in an account with many keys, beside the stylesheet that the same server
//! sends from memory: how long one browser waits.

use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Section;
use crate::bars::{Bar, Figure, Unit};
use crate::compare::{Side, compare};
use crate::load::{self, Work};
use crate::plan::Plan;
use crate::report::{Bench, median};
use crate::server::Claviger;
use crate::{population, resident};

pub(crate) const SECTION: Section = Section {
    name: "pages",
    measures: "each page of the portal with 10,000 keys in the account, one request at a time",
    bars: &[SLOWEST],
    run,
};

const SLOWEST: Bar = Bar::at_most("the slowest page of the portal", Unit::Millis, 10.0);

/// The page of usage over each of its times, which it ranks the credentials of.
const RANKED: [&str; 3] = ["/usage?span=1h", "/usage?span=24h", "/usage?span=30d"];

/// Each page is cheap to measure: its figures vary little.
const RUNS_MAX: usize = 3;
const RUN_SHARE: u32 = 8;

const PAGES: &[(&str, &str)] = &[
    ("page /, overview", "/"),
    ("page /keys", "/keys"),
    ("page /keys?status=active", "/keys?status=active"),
    ("page /keys/new", "/keys/new"),
    ("page /keys/{id}", "/keys/{key}"),
    ("page /keys/{id}/revoke", "/keys/{key}/revoke"),
    ("page /clients", "/clients"),
    ("page /clients/{id}", "/clients/{client}"),
    ("page /clients/{id}/rotate", "/clients/{client}/rotate"),
    ("page /apps", "/apps"),
    ("page /connected-apps", "/connected-apps"),
    ("page /usage", "/usage"),
    ("page /decisions", "/decisions"),
    ("page /audit", "/audit"),
    ("page /settings", "/settings"),
    ("page /team", "/team"),
    ("page /roles", "/roles"),
    ("page /account", "/account"),
];

fn run(bench: &mut Bench) -> Result<()> {
    let population = bench.wait(population::of(bench.plan.page_keys))?;
    let claviger = Claviger::start_on_copy(&population)?;
    let session = bench.wait(claviger.sign_in())?;
    let plan = Plan {
        runs: bench.plan.runs.min(RUNS_MAX),
        run: bench.plan.run / RUN_SHARE,
        connections: 1,
        ..bench.plan
    };
    let key = bench.wait(load::once(claviger.public, &Claviger::key_work(&session)))?;
    let key: Value = serde_json::from_str(&key)?;
    let key = key["id"].as_str().context("the id of a key")?;
    let stylesheet = Work::get(&bench.wait(stylesheet(&claviger))?, &[]);
    let cookie = format!("claviger_session={session}");
    let side = |work| Side {
        process: &claviger.process,
        address: claviger.public,
        work,
    };
    // All of the keys have been used: what nobody uses costs no page anything.
    let used = Work::verification_of(resident::numbers(plan.page_keys), true);
    bench.wait(load::run(
        &claviger.process,
        claviger.internal,
        &used,
        bench.plan,
    ))?;
    let ranked = ranked(bench, &claviger, &cookie)?;
    let mut slowest: Option<Figure> = None;
    for &(name, path) in PAGES {
        let path = path
            .replace("{key}", key)
            .replace("{client}", &claviger.secrets.client.id);
        let page = side(Work::get(&path, &[("Cookie", &*cookie)]));
        let floor = side(stylesheet.clone());
        let compared = bench.wait(compare(page, "the stylesheet", floor, plan));
        let figure = compared.context(name)?.median_millis(name);
        if slowest
            .as_ref()
            .is_none_or(|slowest| slowest.value < figure.value)
        {
            slowest = Some(figure.clone());
        }
        bench.add(figure);
    }
    if let Some(slowest) = slowest {
        bench.add(SLOWEST.figure(slowest.value, slowest.name));
    }
    bench.add(ranked);
    Ok(())
}

/// What the first view of usage in a minute takes, which ranks all the keys anew.
fn ranked(bench: &Bench, claviger: &Claviger, cookie: &str) -> Result<Figure> {
    let mut times = Vec::new();
    for path in RANKED {
        let page = Work::get(path, &[("Cookie", cookie)]);
        let begun = Instant::now();
        bench.wait(load::once(claviger.public, &page))?;
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    let detail = "median of its three times, each once; each minute's first view".to_owned();
    let name = "page /usage, ranked anew";
    Ok(Figure::of(name, Unit::Millis, median(times), detail))
}

/// The path of the stylesheet that every page has.
async fn stylesheet(claviger: &Claviger) -> Result<String> {
    let page = load::once(claviger.public, &Work::get("/sign-in", &[])).await?;
    let (_, rest) = page
        .split_once("rel=\"stylesheet\" href=\"")
        .context("a stylesheet")?;
    let path = rest.split('"').next().context("its path")?;
    Ok(path.to_owned())
}
