//! Verification over HTTP, beside a bare server that reads and answers the same bytes.

use anyhow::Result;

use crate::load::Work;
use crate::report::HttpRow;
use crate::server::{Claviger, Floor};
use crate::{Plan, Side, compare, tokens};

/// Measures every kind of credential and both forms of the question.
pub(crate) async fn measure(
    claviger: &Claviger,
    floor: &Floor,
    plan: Plan,
) -> Result<Vec<HttpRow>> {
    let key = &claviger.live_key;
    let token = tokens::own_token(claviger).await?;
    let forward = [
        ("Authorization", &*format!("Bearer {key}")),
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Uri", "/v1/leads"),
    ];
    let works = [
        ("POST /v1/verify, API key", verify(key)),
        ("POST /v1/verify, access token seen before", verify(&token)),
        (
            "GET /verify/http, API key",
            Work::get("/verify/http", &forward),
        ),
    ];
    let mut rows = Vec::new();
    for (name, work) in works {
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
        rows.push(compare(name, own, "bare axum", bare, plan).await?);
    }
    Ok(rows)
}

pub(crate) fn verify(credential: &str) -> Work {
    let body = format!(
        "{{\"credential\":\"{credential}\",\"method\":\"GET\",\"path\":\"/v1/leads\",\
         \"ip\":\"192.0.2.7\"}}"
    );
    Work::post("/v1/verify", &body, "\"allowed\":true")
}
