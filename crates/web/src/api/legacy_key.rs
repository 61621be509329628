//! `/v1/legacy-key`: the one legacy key of an account, for people's sessions.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, LegacyKeyId};
use claviger_model::legacy_keys::LegacyKey as Key;
use claviger_model::secret::Plaintext;
use claviger_service::uses::SecretUses;
use claviger_service::{App, Error, legacy_keys, uses};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::uses::Uses;
use super::{Deleted, ShownOnce};
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Idempotent, Json, Session};
use crate::state::Web;

/// Where it is. Every answer from there says that legacy keys are deprecated.
pub(crate) const PATH: &str = "/v1/legacy-key";

/// A legacy key. It reaches every endpoint of the APIs that accept its kind, for live data, until
/// it is reverted.
#[derive(Serialize, ToSchema)]
pub struct LegacyKey {
    /// Its id.
    #[schema(value_type = String, example = "leg_01jnwz3c8k0000000000000000")]
    id: LegacyKeyId,
    /// The key itself; only in the answer that generates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "cl_…")]
    key: Option<ShownOnce>,
    /// The last four characters of the key.
    #[schema(example = "p6q7")]
    hint: String,
    /// When it was generated, in Unix milliseconds.
    #[schema(value_type = i64, example = 1_741_564_800_000_i64)]
    created_at: UnixMillis,
    /// Who generated it.
    created_by: String,
    /// Whose it is.
    #[schema(value_type = String)]
    account_id: AccountId,
    /// When it was reverted, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    revoked_at: Option<UnixMillis>,
    /// Always true: an API key or a client is the better choice.
    deprecated: bool,
    /// What became of it.
    #[serde(flatten)]
    uses: Uses,
}

/// What a new legacy key is asked to be: there is nothing to choose.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLegacyKey {}

/// Show the legacy key
///
/// What is public of it; the key itself is never returned again.
#[utoipa::path(get, path = PATH, operation_id = "show_legacy_key",
    tag = "keys", security(("session" = [])),
    responses((status = 200, body = LegacyKey), (status = 403, body = Envelope),
        (status = 404, description = "The account has none", body = Envelope)))]
pub async fn show(
    State(web): State<Web>,
    Session(caller): Session,
) -> Result<axum::Json<LegacyKey>, Failure> {
    let access = caller.key_reading()?;
    let key = legacy_keys::show(web.app(), &access).await?;
    let shape = LegacyKey::read(web.app(), key).await?;
    Ok(axum::Json(shape))
}

/// Generate the legacy key
///
/// The full key is in this answer and never again. An account has one at most: revert it first to
/// generate another one.
#[utoipa::path(post, path = PATH, operation_id = "generate_legacy_key",
    tag = "keys", request_body = NewLegacyKey, security(("session" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe")),
    responses((status = 201, body = LegacyKey),
        (status = 403, description = "Also when the instance makes none", body = Envelope),
        (status = 409, description = "The account has one", body = Envelope)))]
pub async fn generate(
    State(web): State<Web>,
    Session(caller): Session,
    idempotent: Idempotent,
    Json { bytes, .. }: Json<NewLegacyKey>,
) -> Result<Response, Failure> {
    let access = caller.key_writing()?;
    let replay = idempotent.key(&caller, &bytes)?;
    let made = legacy_keys::generate(web.app(), &access, replay.as_ref()).await?;
    let body = LegacyKey::made(web.app(), made.key, made.plaintext).await;
    let no_store = [(CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, no_store, axum::Json(body)).into_response())
}

/// Revert the legacy key
///
/// Revokes it: when this answers, no node accepts the key any more, and another one can be
/// generated. Without one it answers the same.
#[utoipa::path(delete, path = PATH, operation_id = "revert_legacy_key",
    tag = "keys", security(("session" = [])),
    responses((status = 200, body = Deleted), (status = 403, body = Envelope)))]
pub async fn revert(
    State(web): State<Web>,
    Session(caller): Session,
) -> Result<axum::Json<Deleted>, Failure> {
    let access = caller.key_writing()?;
    legacy_keys::revert(web.app(), &access).await?;
    Ok(Deleted::done())
}

impl LegacyKey {
    /// The shape of a key with what became of it.
    ///
    /// # Errors
    /// The usage database does not answer.
    pub async fn read(app: &App, key: Key) -> Result<Self, Error> {
        let ids = [key.id.to_string()];
        let uses = uses::of_credentials(app, &ids).await?;
        Ok(Self::of(key, None, uses))
    }

    /// The shape of a key that was made, with its secret, whether or not it can be told what became
    /// of it.
    pub async fn made(app: &App, key: Key, plaintext: Option<Plaintext>) -> Self {
        let ids = [key.id.to_string()];
        let uses = uses::of_credentials(app, &ids).await;
        Self::of(key, plaintext, uses.unwrap_or_default())
    }

    fn of(key: Key, plaintext: Option<Plaintext>, mut uses: HashMap<String, SecretUses>) -> Self {
        let uses = uses.remove(&key.id.to_string()).unwrap_or_default();
        Self {
            id: key.id,
            key: plaintext.map(ShownOnce),
            hint: key.stored.hint,
            created_at: key.created_at,
            created_by: key.created_by,
            account_id: key.account_id,
            revoked_at: key.revoked_at,
            deprecated: true,
            uses: uses.into(),
        }
    }
}
