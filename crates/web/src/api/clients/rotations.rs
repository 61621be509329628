//! `/v1/clients/{id}/rotations`: a new secret, and an end for the older ones.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::UnixMillis;
use claviger_model::ids::{ClientId, SecretId};
use claviger_model::rotations::{self as model, RotationDraft};
use claviger_service::clients::rotations;
use claviger_service::{clients, uses};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer;
use super::shapes::{Client, Secret, Within};
use crate::api::Deleted;
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Id, Idempotent, Json, Principal, Query};
use crate::state::Web;

/// A new secret, and when the older ones end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRotation {
    /// What the new secret is for.
    description: Option<String>,
    /// `now` (with every token that they got), `after_first_use` of the new one, or `at` a time.
    #[schema(value_type = String, example = "after_first_use")]
    old_ends: Option<String>,
    /// With `after_first_use`: how long the older ones go on from then, in seconds; a day when
    /// absent, 90 days at most.
    #[schema(example = 86_400)]
    grace_seconds: Option<i64>,
    /// With `at`: when they end, in Unix milliseconds.
    at: Option<i64>,
}

/// Another end for the older secrets.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotationPatch {
    /// `now` (with every token that they got), `after_first_use` of the new one, or `at` a time.
    #[schema(value_type = String, example = "at")]
    old_ends: Option<String>,
    /// With `after_first_use`: how long they go on from then, in seconds.
    grace_seconds: Option<i64>,
    /// With `at`: when they end, in Unix milliseconds.
    at: Option<i64>,
}

/// A rotation of a client's secrets.
#[derive(Serialize, ToSchema)]
pub struct Rotation {
    /// The new secret.
    #[schema(value_type = String)]
    secret_id: SecretId,
    /// The older ones.
    #[schema(value_type = Vec<String>)]
    old_secret_ids: Vec<SecretId>,
    /// `after_first_use` or `at`.
    #[schema(example = "after_first_use")]
    old_ends: &'static str,
    /// With `after_first_use`: how long they go on from then, in seconds.
    grace_seconds: Option<u32>,
    /// With `at`: when they end, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    at: Option<UnixMillis>,
    /// Who started it.
    started_by: String,
    /// When, in Unix milliseconds.
    #[schema(value_type = i64)]
    started_at: UnixMillis,
    /// When the new secret was used first, as far as that was noticed, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    first_used_at: Option<UnixMillis>,
}

/// Whether an older secret can go.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the member's name in JSON")]
pub struct Verdict {
    /// `not_replaced`: the new one was not used yet; `still_used`: this one was, after it;
    /// `silent`: not since then, but tokens that it got may be about; `safe_to_retire`: not for
    /// longer than a token lives.
    #[schema(example = "safe_to_retire")]
    verdict: &'static str,
    /// Since when it is silent or its uses are counted, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    since: Option<UnixMillis>,
    /// How often it was used since then, at least.
    times: i64,
    /// From when it can go if it stays silent, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    safe_at: Option<UnixMillis>,
}

/// Rotate the secret of a client
///
/// The new secret is in this answer and never again. The older ones end now, at a time, or so long
/// after the new one's first use; until then both work.
#[utoipa::path(post, path = "/v1/clients/{id}/rotations", operation_id = "rotate_client_secret",
    tag = "clients", request_body = NewRotation,
    security(("session" = []), ("management" = [])),
    params(("id" = String, Path), Within,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe")),
    responses((status = 201, body = Secret), (status = 404, body = Envelope),
        (status = 409, body = Envelope), (status = 422, body = Envelope)))]
pub async fn start(
    State(web): State<Web>,
    Principal(caller): Principal,
    Id(id): Id<ClientId>,
    Query(within): Query<Within>,
    idempotent: Idempotent,
    Json { value, bytes }: Json<NewRotation>,
) -> Result<Response, Failure> {
    let access = within.writing(&caller)?;
    let replay = idempotent.key(&caller, &bytes)?;
    let app = web.app();
    let added = rotations::start(app, &access, id, &value.into(), replay.as_ref()).await?;
    let uses = uses::of_made(app, &[added.secret.id]).await;
    let mut body = Secret::of(added.secret, &uses, app.sources().now());
    body.show_once(added.plaintext);
    let no_store = [(CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, no_store, axum::Json(body)).into_response())
}

/// Change when the older secrets of a rotation end
///
/// Sooner or later than was planned, as long as one of them gets tokens. With `now`, no node
/// accepts one of them, or a token that it got, when this answers.
#[utoipa::path(patch, path = "/v1/clients/{id}/rotations/current",
    operation_id = "change_client_rotation", tag = "clients", request_body = RotationPatch,
    security(("session" = []), ("management" = [])),
    params(("id" = String, Path), Within),
    responses((status = 200, body = Client), (status = 404, body = Envelope),
        (status = 422, body = Envelope)))]
pub async fn change(
    State(web): State<Web>,
    Principal(caller): Principal,
    Id(id): Id<ClientId>,
    Query(within): Query<Within>,
    Json { value, .. }: Json<RotationPatch>,
) -> Result<Response, Failure> {
    let access = within.writing(&caller)?;
    rotations::change(web.app(), &access, id, &value.into()).await?;
    let client = clients::show(web.app(), &access, id).await?;
    answer(&web, client).await
}

/// Cancel a rotation
///
/// The older secrets end when they were to end without it, if ever; the new one is revoked, with
/// every token that it got.
#[utoipa::path(delete, path = "/v1/clients/{id}/rotations/current",
    operation_id = "cancel_client_rotation", tag = "clients",
    security(("session" = []), ("management" = [])),
    params(("id" = String, Path), Within),
    responses((status = 200, body = Deleted), (status = 404, body = Envelope)))]
pub async fn cancel(
    State(web): State<Web>,
    Principal(caller): Principal,
    Id(id): Id<ClientId>,
    Query(within): Query<Within>,
) -> Result<axum::Json<Deleted>, Failure> {
    let access = within.writing(&caller)?;
    rotations::cancel(web.app(), &access, id).await?;
    Ok(Deleted::done())
}

impl From<NewRotation> for RotationDraft {
    fn from(body: NewRotation) -> Self {
        Self {
            description: body.description,
            old_ends: body.old_ends,
            grace_seconds: body.grace_seconds,
            at: body.at,
        }
    }
}

impl From<RotationPatch> for RotationDraft {
    fn from(body: RotationPatch) -> Self {
        Self {
            description: None,
            old_ends: body.old_ends,
            grace_seconds: body.grace_seconds,
            at: body.at,
        }
    }
}

impl From<model::Rotation> for Rotation {
    fn from(rotation: model::Rotation) -> Self {
        Self {
            secret_id: rotation.secret_id,
            old_secret_ids: rotation.old.iter().map(|old| old.id).collect(),
            old_ends: rotation.old_ends.as_str(),
            grace_seconds: rotation.old_ends.grace_seconds(),
            at: rotation.old_ends.at(),
            started_by: rotation.started_by,
            started_at: rotation.started_at,
            first_used_at: rotation.first_used_at,
        }
    }
}

impl From<model::Verdict> for Verdict {
    fn from(verdict: model::Verdict) -> Self {
        let word = verdict.as_str();
        let (since, times, safe_at) = match verdict {
            model::Verdict::OnlyOne => (None, 0, None),
            model::Verdict::StillUsed { times, since, .. } => (Some(since), times, None),
            model::Verdict::Silent { since, safe_at } => (Some(since), 0, Some(safe_at)),
            model::Verdict::SafeToRetire { since } => (Some(since), 0, None),
        };
        Self {
            verdict: word,
            since,
            times,
            safe_at,
        }
    }
}
