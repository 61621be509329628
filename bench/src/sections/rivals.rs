//! The same work with others: tokens and introspection beside node oidc-provider, verification of
//! API keys beside the plugin of better-auth.

use anyhow::{Context, Result};

use super::Section;
use super::tokens::{NEW_TOKEN, own_request, own_side, own_token, token, token_form};
use crate::bars::{Bar, Unit};
use crate::compare::{Compared, Side, compare};
use crate::load::{Client, Work};
use crate::report::Bench;
use crate::rivals::{BetterAuth, OidcProvider};
use crate::server::{Claviger, Scratch};

pub(crate) const SECTION: Section = Section {
    name: "rivals",
    measures: "the same work with node oidc-provider and with better-auth's API key plugin",
    bars: &[
        TOKEN,
        TOKEN_PROCESSOR,
        INTROSPECTION,
        INTROSPECTION_PROCESSOR,
        KEY,
    ],
    run,
};

const TOKEN: Bar = Bar::at_least("token, against oidc-provider", Unit::Times, 5.5);
const TOKEN_PROCESSOR: Bar =
    Bar::at_most("token, against oidc-provider: processor", Unit::Times, 0.2);
const INTROSPECTION: Bar = Bar::at_least("introspection, against oidc-provider", Unit::Times, 7.0);
const INTROSPECTION_PROCESSOR: Bar = Bar::at_most(
    "introspection, against oidc-provider: processor",
    Unit::Times,
    0.13,
);
const KEY: Bar = Bar::at_least(
    "verification of a key, against better-auth",
    Unit::Times,
    40.0,
);

fn run(bench: &mut Bench) -> Result<()> {
    let Some(node) = bench.node.clone() else {
        println!("no rivals are installed: nothing is measured beside them");
        return Ok(());
    };
    let claviger = Claviger::start()?;
    let rival = OidcProvider::start(&node).context("oidc-provider")?;
    tokens(bench, &claviger, &rival)?;
    drop(rival);
    let files = Scratch::new()?;
    std::fs::create_dir_all(files.path())?;
    let rival = BetterAuth::in_database(&node, &files.path().join("keys.db"));
    let compared = keys(bench, &claviger, &rival.context("better-auth")?)?;
    bench.add(compared.rate(&KEY));
    let rival = BetterAuth::in_memory(&node).context("better-auth")?;
    let compared = keys(bench, &claviger, &rival)?;
    bench.add(compared.rate_as("the same at its fastest: keys in memory, no limits"));
    Ok(())
}

/// Issuing tokens, and looking at one.
fn tokens(bench: &mut Bench, claviger: &Claviger, rival: &OidcProvider) -> Result<()> {
    let side = |work| Side {
        process: &rival.process,
        address: rival.address,
        work,
    };
    let form = token_form("resource", &claviger.audience);
    let work = Work::form("/token", &rival.client, &form, NEW_TOKEN).new_each_time();
    let own = own_side(claviger, own_request(claviger));
    let compared = bench.wait(compare(own, "oidc-provider", side(work), bench.plan))?;
    bench.add(compared.rate(&TOKEN));
    bench.add(compared.processor(&TOKEN_PROCESSOR));

    let token_of_ours = bench.wait(own_token(claviger))?;
    let client = &claviger.secrets.client;
    let own = introspection("/oauth/introspect", client, &token_of_ours);
    // The rival introspects opaque tokens alone, which it gives where no resource is named.
    let opaque = "grant_type=client_credentials&scope=read%3Aleads+write%3Aleads";
    let opaque = Work::form("/token", &rival.client, opaque, "\"access_token\":");
    let token_of_theirs = bench.wait(token(rival.address, &opaque))?;
    let other = introspection("/token/introspection", &rival.client, &token_of_theirs);
    let own = own_side(claviger, own);
    let compared = bench.wait(compare(own, "oidc-provider", side(other), bench.plan))?;
    bench.add(compared.rate(&INTROSPECTION));
    bench.add(compared.processor(&INTROSPECTION_PROCESSOR));
    Ok(())
}

fn introspection(path: &str, client: &Client, token: &str) -> Work {
    Work::form(path, client, &format!("token={token}"), "\"active\":true")
}

/// Verifying an API key.
fn keys(bench: &Bench, claviger: &Claviger, rival: &BetterAuth) -> Result<Compared> {
    let own = Side {
        process: &claviger.process,
        address: claviger.internal,
        work: Work::verification(&claviger.secrets.live_key),
    };
    let other = Side {
        process: &rival.process,
        address: rival.address,
        work: Work::post("/", &crate::load::question(&rival.key), "\"valid\":true"),
    };
    bench.wait(compare(own, "better-auth", other, bench.plan))
}
