//! Tokens over HTTP, beside a bare server that signs and answers the same and looks nothing up.

use anyhow::{Context, Result};
use serde_json::Value;

use super::Section;
use crate::bars::{Bar, Unit};
use crate::compare::{Side, compare};
use crate::load::{Work, once};
use crate::report::Bench;
use crate::server::{Claviger, Floor};

pub(crate) const SECTION: Section = Section {
    name: "tokens",
    measures: "client_credentials, ES256, no quota, beside bare axum with a form and one signature",
    bars: &[TOKEN, TOKEN_PROCESSOR],
    run,
};

const TOKEN: Bar = Bar::at_least("token, against bare axum", Unit::Times, 0.7);
const TOKEN_PROCESSOR: Bar = Bar::at_most("token, against bare axum: processor", Unit::Times, 1.6);

/// A JWT begins so, because its header is an object with text in it.
pub(super) const NEW_TOKEN: &str = "\"access_token\":\"eyJ";

fn run(bench: &mut Bench) -> Result<()> {
    let claviger = Claviger::start()?;
    let floor = Floor::start()?;
    let form = token_form("audience", &claviger.audience);
    let client = &claviger.secrets.client;
    let bare = Side {
        process: &floor.process,
        address: floor.address,
        work: Work::form("/token", client, &form, NEW_TOKEN).new_each_time(),
    };
    let own = own_side(&claviger, own_request(&claviger));
    let compared = bench.wait(compare(own, "bare axum", bare, bench.plan))?;
    bench.add(compared.rate(&TOKEN));
    bench.add(compared.processor(&TOKEN_PROCESSOR));
    Ok(())
}

/// A token of the printed client, for the API of its demo.
pub(super) async fn own_token(claviger: &Claviger) -> Result<String> {
    token(claviger.public, &own_request(claviger)).await
}

pub(super) fn own_side(claviger: &Claviger, work: Work) -> Side<'_> {
    Side {
        process: &claviger.process,
        address: claviger.public,
        work,
    }
}

pub(super) fn own_request(claviger: &Claviger) -> Work {
    let form = token_form("audience", &claviger.audience);
    Work::form("/oauth/token", &claviger.secrets.client, &form, NEW_TOKEN).new_each_time()
}

pub(super) fn token_form(parameter: &str, audience: &str) -> String {
    let audience = audience.replace(':', "%3A").replace('/', "%2F");
    format!("grant_type=client_credentials&scope=read%3Aleads+write%3Aleads&{parameter}={audience}")
}

/// The token that is issued for the request.
pub(super) async fn token(address: std::net::SocketAddr, request: &Work) -> Result<String> {
    let answer: Value = serde_json::from_str(&once(address, request).await?)?;
    let token = answer["access_token"].as_str();
    Ok(token.context("access_token")?.to_owned())
}
