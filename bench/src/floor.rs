//! The floor: bare axum that parses the same bytes and answers the same bytes, and decides nothing.

mod token;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

/// The members of a verification.
#[derive(Deserialize)]
struct Question<'a> {
    credential: &'a str,
    method: Option<&'a str>,
    path: Option<&'a str>,
    ip: Option<&'a str>,
}

/// An answer with as many members and bytes as a decision.
#[derive(Serialize)]
struct Answer<'a> {
    allowed: bool,
    reason: &'a str,
    message: &'a str,
    request_id: &'a str,
    account_id: &'a str,
    subject: &'a str,
    credential: Credential<'a>,
    environment: &'a str,
    scopes: &'a [&'a str],
    expires_at: Option<i64>,
    checks: [Check<'a>; 10],
    epoch: i64,
    staleness_ms: u64,
    rate_limit: Option<u32>,
    api: &'a str,
}

#[derive(Serialize)]
struct Credential<'a> {
    kind: &'a str,
    id: &'a str,
    secret_id: &'a str,
    name: &'a str,
}

#[derive(Clone, Copy, Serialize)]
struct Check<'a> {
    check: &'a str,
    ok: bool,
}

const SCOPES: [&str; 9] = [
    "read:leads",
    "write:leads",
    "read:properties",
    "write:properties",
    "read:people",
    "write:people",
    "read:interviews",
    "write:interviews",
    "read:analytics",
];

/// Serves on a free port of loopback, which it prints, until it is ended.
pub(crate) fn serve() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let routes = Router::new()
            .route("/v1/verify", post(verify))
            .route("/verify/http", get(forward))
            .route("/token", post(token::issue))
            .with_state(token::Signer::new()?);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        axum::serve(listener, routes).await?;
        Ok(())
    })
}

async fn verify(body: Bytes) -> Response {
    let Ok(question) = serde_json::from_slice::<Question<'_>>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    // Everything that was parsed is used, so that the parsing cannot be left out.
    let parsed = [question.method, question.path, question.ip]
        .into_iter()
        .flatten()
        .count();
    let answer = Answer {
        allowed: !question.credential.is_empty() && parsed == 3,
        reason: "allowed",
        message: "Allowed.",
        request_id: "req_01kapz3c8k0000000000000000",
        account_id: "acct_01kapz3c8k0000000000000000",
        subject: "key_01kapz3c8k0000000000000000",
        credential: Credential {
            kind: "api_key",
            id: "key_01kapz3c8k0000000000000000",
            secret_id: "sec_01kapz3c8k0000000000000000",
            name: "Demo key",
        },
        environment: "live",
        scopes: &SCOPES,
        expires_at: None,
        checks: [Check {
            check: "environment",
            ok: true,
        }; 10],
        epoch: 412,
        staleness_ms: 3,
        rate_limit: None,
        api: "https://api.acme.test",
    };
    axum::Json(answer).into_response()
}

async fn forward() -> StatusCode {
    StatusCode::OK
}
