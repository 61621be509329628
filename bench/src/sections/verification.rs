//! Verification over HTTP, beside a bare server that reads and answers the same bytes.

use anyhow::Result;

use super::Section;
use super::tokens::own_token;
use crate::bars::{Bar, Unit};
use crate::compare::{Side, compare};
use crate::load::Work;
use crate::report::Bench;
use crate::server::{Claviger, Floor};

pub(crate) const SECTION: Section = Section {
    name: "verification",
    measures: "verifications over HTTP beside bare axum that parses and answers the same bytes",
    bars: &[
        KEY,
        KEY_PROCESSOR,
        TOKEN,
        TOKEN_PROCESSOR,
        FORWARD,
        FORWARD_PROCESSOR,
    ],
    run,
};

const KEY: Bar = Bar::at_least("POST /v1/verify, API key", Unit::Times, 0.85);
const KEY_PROCESSOR: Bar = Bar::at_most("POST /v1/verify, API key: processor", Unit::Times, 1.3);
const TOKEN: Bar = Bar::at_least(
    "POST /v1/verify, access token seen before",
    Unit::Times,
    0.75,
);
const TOKEN_PROCESSOR: Bar = Bar::at_most(
    "POST /v1/verify, access token seen before: processor",
    Unit::Times,
    1.5,
);
const FORWARD: Bar = Bar::at_least("GET /verify/http, API key", Unit::Times, 0.9);
const FORWARD_PROCESSOR: Bar =
    Bar::at_most("GET /verify/http, API key: processor", Unit::Times, 1.3);

fn run(bench: &mut Bench) -> Result<()> {
    let claviger = Claviger::start()?;
    let floor = Floor::start()?;
    let token = bench.wait(own_token(&claviger))?;
    let key = &claviger.secrets.live_key;
    let forward = [
        ("Authorization", &*format!("Bearer {key}")),
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Uri", "/v1/leads"),
    ];
    let works = [
        (KEY, KEY_PROCESSOR, Work::verification(key)),
        (TOKEN, TOKEN_PROCESSOR, Work::verification(&token)),
        (
            FORWARD,
            FORWARD_PROCESSOR,
            Work::get("/verify/http", &forward),
        ),
    ];
    for (rate, processor, work) in works {
        let own = Side {
            process: &claviger.process,
            address: claviger.internal,
            work: work.clone(),
        };
        let bare = Side {
            process: &floor.process,
            address: floor.address,
            work,
        };
        let compared = bench.wait(compare(own, "bare axum", bare, bench.plan))?;
        bench.add(compared.rate(&rate));
        bench.add(compared.processor(&processor));
    }
    Ok(())
}
