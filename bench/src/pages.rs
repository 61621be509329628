//! The portal's pages in an account with many keys, beside the stylesheet that the same server
//! sends from memory.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::task::LocalSet;

use crate::load::{self, Work};
use crate::report::HttpRow;
use crate::server::Claviger;
use crate::{Plan, Side, compare};

/// Each page is cheap to measure: its figures vary little.
const RUNS_MAX: usize = 3;
const RUN_SHARE: u32 = 4;

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

/// Makes the keys, and measures each page.
pub(crate) async fn measure(claviger: &Claviger, plan: Plan) -> Result<Vec<HttpRow>> {
    let key = make_keys(claviger, plan).await.context("many keys")?;
    let own = Plan {
        runs: plan.runs.min(RUNS_MAX),
        run: plan.run / RUN_SHARE,
        ..plan
    };
    let stylesheet = Work::get(&stylesheet(claviger).await?, &[]);
    let cookie = format!("claviger_session={}", claviger.session_token);
    let mut rows = Vec::new();
    for &(name, path) in PAGES {
        let path = path
            .replace("{key}", &key)
            .replace("{client}", &claviger.client.id);
        let page = Side {
            process: &claviger.process,
            address: claviger.public,
            work: Work::get(&path, &[("Cookie", &*cookie)]),
        };
        let floor = Side {
            process: &claviger.process,
            address: claviger.public,
            work: stylesheet.clone(),
        };
        rows.push(compare(name, page, "the stylesheet", floor, own).await?);
    }
    Ok(rows)
}

/// Fills the account by REST, as many at a time as there are connections; the id of the last key.
async fn make_keys(claviger: &Claviger, plan: Plan) -> Result<String> {
    let local = LocalSet::new();
    let share = plan.keys / plan.connections;
    let makers: Vec<_> = (0..plan.connections)
        .map(|maker| {
            let (address, bearer) = (claviger.public, claviger.session_token.clone());
            local.spawn_local(async move {
                let mut last = String::new();
                for number in 0..share {
                    let body = json!({
                        "name": format!("Key {number} of {maker}"),
                        "scopes": ["read:leads", "write:leads"],
                        "active": number % 5 > 0,
                    });
                    let work = Work::post_as("/api/keys", &bearer, &body.to_string());
                    last = load::once(address, &work).await?;
                }
                Ok::<_, anyhow::Error>(last)
            })
        })
        .collect();
    let mut last = String::new();
    local
        .run_until(async {
            for maker in makers {
                last = maker.await??;
            }
            Ok::<_, anyhow::Error>(())
        })
        .await?;
    let last: Value = serde_json::from_str(&last)?;
    let id = last["id"].as_str().context("the id of a key")?;
    Ok(id.to_owned())
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
