//! `/v1/signing-keys`: what access tokens are signed with.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::UnixMillis;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::ids::SigningKeyId;
use claviger_service::signing_keys::{self, ListedKey};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Deleted, Page};
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Id, Idempotent, Json, Session};
use crate::state::Web;

/// A signing key; its public half is in `/.well-known/jwks.json` as long as it is published.
#[derive(Serialize, ToSchema)]
pub struct SigningKey {
    /// Its id: the `kid` of its tokens.
    #[schema(value_type = String, example = "sgn_01jnwz3c8k0000000000000000")]
    id: SigningKeyId,
    /// What it signs with.
    #[schema(value_type = String, example = "ES256")]
    algorithm: &'static str,
    /// `published` before it signs, `signing`, `retired` when another one does, `gone` when its
    /// last token has expired, `withdrawn` when it was withdrawn before.
    #[schema(example = "signing")]
    status: &'static str,
    /// When it was made, in Unix milliseconds.
    #[schema(value_type = i64)]
    created_at: UnixMillis,
    /// From when it signs, in Unix milliseconds.
    #[schema(value_type = i64)]
    signs_from: UnixMillis,
    /// Until when it is published, in Unix milliseconds; null while it has no successor.
    #[schema(value_type = Option<i64>)]
    published_until: Option<UnixMillis>,
}

/// Which key is to get a successor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotationBody {
    /// `ES256`, `RS256` or `EdDSA`; the instance's own when absent.
    #[schema(example = "ES256")]
    algorithm: Option<String>,
}

/// List signing keys
///
/// Those of before too, by algorithm, the oldest first. Private halves are never shown.
#[utoipa::path(get, path = "/v1/signing-keys", operation_id = "list_signing_keys",
    tag = "operator", security(("session" = [])),
    responses((status = 200, body = Page<SigningKey>), (status = 403, body = Envelope)))]
pub async fn list(
    State(web): State<Web>,
    Session(caller): Session,
) -> Result<axum::Json<Page<SigningKey>>, Failure> {
    let access = caller.operator()?;
    let found = signing_keys::list(web.app(), &access).await?;
    let data = found.into_iter().map(SigningKey::from).collect();
    Ok(axum::Json(Page::new(data, None)))
}

/// Rotate a signing key
///
/// The next key is published at once and signs when every verifier must know it: from
/// `signs_from` on. The one before stays published until its last token has expired.
#[utoipa::path(post, path = "/v1/signing-keys/rotations", operation_id = "rotate_signing_key",
    tag = "operator", request_body = RotationBody,
    security(("session" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe")),
    responses((status = 201, body = SigningKey), (status = 403, body = Envelope),
        (status = 409, body = Envelope), (status = 422, body = Envelope)))]
pub async fn rotate(
    State(web): State<Web>,
    Session(caller): Session,
    idempotent: Idempotent,
    Json { value, bytes }: Json<RotationBody>,
) -> Result<Response, Failure> {
    let access = caller.operator()?;
    let algorithm = value.algorithm.as_deref().map(algorithm).transpose()?;
    let replay = idempotent.key(&caller, &bytes)?;
    let made = signing_keys::rotate(web.app(), &access, algorithm, replay.as_ref()).await?;
    Ok((StatusCode::CREATED, axum::Json(SigningKey::from(made))).into_response())
}

/// Withdraw a signing key
///
/// For a key that somebody else may have: it is unpublished at once, and every token that it
/// signed is refused when this returns. If it signed, another one does from now on.
#[utoipa::path(delete, path = "/v1/signing-keys/{id}", operation_id = "withdraw_signing_key",
    tag = "operator", security(("session" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = 403, body = Envelope),
        (status = 404, body = Envelope)))]
pub async fn withdraw(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<SigningKeyId>,
) -> Result<axum::Json<Deleted>, Failure> {
    let access = caller.operator()?;
    signing_keys::withdraw(web.app(), &access, id).await?;
    Ok(Deleted::done())
}

fn algorithm(word: &str) -> Result<SigningAlgorithm, Failure> {
    SigningAlgorithm::parse(word).ok_or_else(|| {
        let words = SigningAlgorithm::ALL.map(SigningAlgorithm::as_str);
        Failure::field("algorithm", format!("must be one of {}", words.join(", ")))
    })
}

impl From<ListedKey> for SigningKey {
    fn from(listed: ListedKey) -> Self {
        let ListedKey { key, status } = listed;
        Self {
            id: key.id,
            algorithm: key.algorithm.as_str(),
            status: status.as_str(),
            created_at: key.created_at,
            signs_from: key.signs_from,
            published_until: key.published_until,
        }
    }
}
