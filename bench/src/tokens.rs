//! Tokens over HTTP: beside a bare server that signs and answers the same and looks nothing up, and
//! beside another authorization server.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::load::{Client, Work, once};
use crate::report::HttpRow;
use crate::server::{Claviger, Floor, Rival};
use crate::{Plan, Side, compare};

const TOKEN: &str = "token, client_credentials ES256, no quota";
const INTROSPECTION: &str = "introspection";

const BARE: &str = "bare axum";
const RIVAL: &str = "oidc-provider";

/// A JWT begins so, because its header is an object with text in it.
const NEW_TOKEN: &str = "\"access_token\":\"eyJ";

/// A token of the printed client, for the API of its demo.
pub(crate) async fn own_token(claviger: &Claviger) -> Result<String> {
    token(claviger.public, &own_request(claviger)).await
}

/// Issuing tokens beside the floor.
pub(crate) async fn beside_floor(
    claviger: &Claviger,
    floor: &Floor,
    plan: Plan,
) -> Result<Vec<HttpRow>> {
    let (form, client) = (token_form("audience", &claviger.audience), &claviger.client);
    let bare = Side {
        process: &floor.process,
        address: floor.address,
        work: Work::form("/token", client, &form, NEW_TOKEN).new_each_time(),
    };
    let own = own_side(claviger, own_request(claviger));
    Ok(vec![compare(TOKEN, own, BARE, bare, plan).await?])
}

/// Issuing tokens, and looking at one, beside the rival.
pub(crate) async fn beside_rival(
    claviger: &Claviger,
    rival: &Rival,
    plan: Plan,
) -> Result<Vec<HttpRow>> {
    let side = |work| Side {
        process: &rival.process,
        address: rival.address,
        work,
    };
    let form = token_form("resource", &claviger.audience);
    let work = Work::form("/token", &rival.client, &form, NEW_TOKEN).new_each_time();
    let own = own_side(claviger, own_request(claviger));
    let issued = compare(TOKEN, own, RIVAL, side(work), plan).await?;

    let token_of_ours = own_token(claviger).await?;
    let own = introspection("/oauth/introspect", &claviger.client, &token_of_ours);
    // The rival introspects opaque tokens alone, which it gives where no resource is named.
    let opaque = "grant_type=client_credentials&scope=read%3Aleads+write%3Aleads";
    let opaque = Work::form("/token", &rival.client, opaque, "\"access_token\":");
    let token_of_theirs = token(rival.address, &opaque).await?;
    let other = introspection("/token/introspection", &rival.client, &token_of_theirs);
    let own = own_side(claviger, own);
    let seen = compare(INTROSPECTION, own, RIVAL, side(other), plan).await?;
    Ok(vec![issued, seen])
}

fn own_side(claviger: &Claviger, work: Work) -> Side<'_> {
    Side {
        process: &claviger.process,
        address: claviger.public,
        work,
    }
}

fn own_request(claviger: &Claviger) -> Work {
    let form = token_form("audience", &claviger.audience);
    Work::form("/oauth/token", &claviger.client, &form, NEW_TOKEN).new_each_time()
}

fn token_form(parameter: &str, audience: &str) -> String {
    let audience = audience.replace(':', "%3A").replace('/', "%2F");
    format!("grant_type=client_credentials&scope=read%3Aleads+write%3Aleads&{parameter}={audience}")
}

fn introspection(path: &str, client: &Client, token: &str) -> Work {
    Work::form(path, client, &format!("token={token}"), "\"active\":true")
}

/// The token that is issued for the request.
async fn token(address: std::net::SocketAddr, request: &Work) -> Result<String> {
    let answer: Value = serde_json::from_str(&once(address, request).await?)?;
    let token = answer["access_token"].as_str();
    Ok(token.context("access_token")?.to_owned())
}
