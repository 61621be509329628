//! `POST /v1/sandbox/reset`: the test environment of an account, put back to its start.

use axum::extract::State;
use claviger_model::UnixMillis;
use claviger_model::ids::AccountId;
use claviger_service::sandbox::{self, ResetDone};
use serde::Serialize;
use utoipa::ToSchema;

use super::Nothing;
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Json, Session};
use crate::state::Web;

/// What a reset did.
#[derive(Serialize, ToSchema)]
pub struct SandboxReset {
    /// Always true.
    ok: bool,
    /// Whose test environment.
    #[schema(value_type = String, example = "acct_01jnwz3c8k0000000000000000")]
    account_id: AccountId,
    /// When, in Unix milliseconds.
    #[schema(value_type = i64)]
    reset_at: UnixMillis,
    /// How many test clients have no token any more that was issued before.
    clients: usize,
    /// How many times a user's consent to a test app ended.
    grants: usize,
    /// When it is reset by itself, in Unix milliseconds; null when it never is.
    #[schema(value_type = Option<i64>)]
    next_reset_at: Option<UnixMillis>,
}

/// Reset the sandbox
///
/// Ends what apps may do with the account's test data, with their refresh tokens, and every token
/// of its test clients; forgets decisions and usage of test requests; puts the sandbox of the demo
/// API back. Keys, clients and secrets stay. When this answers, no node accepts a test token that
/// was issued before.
#[utoipa::path(post, path = "/v1/sandbox/reset", operation_id = "reset_sandbox",
    tag = "clients", request_body = Nothing, security(("session" = [])),
    responses((status = 200, body = SandboxReset), (status = 403, body = Envelope)))]
pub async fn reset(
    State(web): State<Web>,
    Session(caller): Session,
    Json { .. }: Json<Nothing>,
) -> Result<axum::Json<SandboxReset>, Failure> {
    let done = sandbox::reset(web.app(), &caller.client_writing()?).await?;
    Ok(axum::Json(SandboxReset::of(
        &done,
        sandbox::next_appointed(web.app()),
    )))
}

impl SandboxReset {
    /// The shape of what a reset did.
    pub fn of(done: &ResetDone, next_reset_at: Option<UnixMillis>) -> Self {
        Self {
            ok: true,
            account_id: done.account_id,
            reset_at: done.reset_at,
            clients: done.clients,
            grants: done.grants,
            next_reset_at,
        }
    }
}
