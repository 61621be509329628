//! `/v1/webhooks`: addresses that are told what happens, and what was sent to them.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, DeliveryId, EventId, WebhookId};
use claviger_model::webhooks as model;
use claviger_service::Caller;
use claviger_service::access::WebhookAccess;
use claviger_service::webhooks::{self, CreateInput, DeliveryWithAttempts, EditInput, WebhookInfo};
use http::StatusCode;
use http::header::{CACHE_CONTROL, LOCATION};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{Deleted, Nothing, Page, ShownOnce};
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Id, Idempotent, Ids, IfMatch, Json, Paging, Query, Session, etag};
use crate::state::Web;

/// A webhook. What signs its messages is shown once, when it is made or replaced.
#[derive(Serialize, ToSchema)]
pub struct Webhook {
    /// Its id.
    #[schema(value_type = String, example = "whk_01jnwz3c8k0000000000000000")]
    id: WebhookId,
    /// Where events are sent.
    #[schema(example = "https://example.com/claviger")]
    url: String,
    /// Which ones; `*` is all.
    #[schema(example = json!(["key.created", "key.revoked"]))]
    events: Vec<String>,
    /// Whether it is told.
    active: bool,
    /// Why it is not: `switched_off` by somebody, `failing` for two and a half days, `gone` (it
    /// answered 410).
    off_reason: Option<&'static str>,
    /// Since when it is not, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    off_at: Option<UnixMillis>,
    /// Since when nothing reaches it, in Unix milliseconds; null when the last attempt did.
    #[schema(value_type = Option<i64>)]
    failing_since: Option<UnixMillis>,
    /// Until when the signing secret before the last one signs too, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    old_secret_ends_at: Option<UnixMillis>,
    /// Whose events it is told; null is everybody's.
    #[schema(value_type = Option<String>)]
    account_id: Option<AccountId>,
    /// Who made it.
    created_by: String,
    /// When, in Unix milliseconds.
    #[schema(value_type = i64)]
    created_at: UnixMillis,
    /// What signs its messages; only in the answer that makes or replaces it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "whsec_…")]
    secret: Option<ShownOnce>,
}

/// A message to a webhook and what was tried.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub struct Delivery {
    /// Its id.
    #[schema(value_type = String, example = "dlv_01jnwz3c8k0000000000000000")]
    id: DeliveryId,
    /// The event: the `webhook-id` of every attempt.
    #[schema(value_type = String, example = "evt_01jnwz3c8k0000000000000000")]
    event_id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(example = "key.created")]
    event_type: String,
    /// `waiting`, `delivered` or `failed`.
    state: &'static str,
    /// When it came about, in Unix milliseconds.
    #[schema(value_type = i64)]
    created_at: UnixMillis,
    /// When it is tried next, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    next_attempt_at: Option<UnixMillis>,
    /// When it was taken, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    delivered_at: Option<UnixMillis>,
    /// The attempts, the first one first.
    attempts: Vec<Attempt>,
    /// What is sent.
    #[schema(value_type = Object)]
    payload: Value,
}

/// One try.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookAttempt)]
pub struct Attempt {
    /// When it began, in Unix milliseconds.
    #[schema(value_type = i64)]
    at: UnixMillis,
    /// How long it took, in milliseconds.
    duration_ms: u32,
    /// The status of the answer; any 2xx takes the message.
    status: Option<u16>,
    /// Why there was no answer.
    error: Option<String>,
}

/// A new webhook.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// Where events are sent: an https URL that leads to a public address.
    #[schema(example = "https://example.com/claviger")]
    url: String,
    /// Which ones, or `*` alone for all.
    events: Vec<String>,
    /// For operators: told of everybody's events.
    instance: Option<bool>,
}

/// A merge patch of a webhook.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookPatch {
    /// Where events are sent.
    url: Option<String>,
    /// Which ones, or `*` alone for all.
    events: Option<Vec<String>>,
    /// Whether it is told. What waited while it was not is sent when it is again.
    active: Option<bool>,
}

/// Whose webhooks.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// For operators: `true` for those that are told of everybody's events.
    instance: Option<bool>,
}

/// List webhooks
///
/// The oldest first. Signing secrets are never returned.
#[utoipa::path(get, path = "/v1/webhooks", operation_id = "list_webhooks",
    tag = "webhooks", params(Whose), security(("session" = [])),
    responses((status = 200, body = Page<Webhook>), (status = 403, body = Envelope)))]
pub async fn list(
    State(web): State<Web>,
    Session(caller): Session,
    Query(whose): Query<Whose>,
) -> Result<axum::Json<Page<Webhook>>, Failure> {
    let access = access(&caller, whose.instance)?;
    let found = webhooks::list(web.app(), &access).await?;
    let shapes = found.into_iter().map(|info| Webhook::of(info, None));
    Ok(axum::Json(Page::new(shapes.collect(), None)))
}

/// Create a webhook
///
/// What happens is sent to its URL from now on, signed as Standard Webhooks says, at least once.
/// The signing secret is in this answer and never again. A URL that leads into a private network is
/// refused.
#[utoipa::path(post, path = "/v1/webhooks", operation_id = "create_webhook",
    tag = "webhooks", request_body = NewWebhook, security(("session" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe")),
    responses((status = 201, body = Webhook), (status = 403, body = Envelope),
        (status = 409, body = Envelope), (status = 422, body = Envelope)))]
pub async fn create(
    State(web): State<Web>,
    Session(caller): Session,
    idempotent: Idempotent,
    Json { value, bytes }: Json<NewWebhook>,
) -> Result<Response, Failure> {
    let access = access(&caller, value.instance)?;
    let key = idempotent.key(&caller, &bytes)?;
    let input = CreateInput {
        url: value.url,
        events: value.events,
    };
    let created = webhooks::create(web.app(), &access, input, key.as_ref()).await?;
    let version = created.webhook.version;
    // Nothing is read that could keep the secret from being shown.
    let info = WebhookInfo {
        webhook: created.webhook,
        failing_since: None,
    };
    let body = Webhook::of(info, created.secret.map(ShownOnce));
    let location = [(LOCATION, format!("/v1/webhooks/{}", body.id))];
    let no_store = [(CACHE_CONTROL, "no-store")];
    let answer = (etag(version), location, no_store, axum::Json(body));
    Ok((StatusCode::CREATED, answer).into_response())
}

/// Show a webhook
#[utoipa::path(get, path = "/v1/webhooks/{id}", operation_id = "show_webhook",
    tag = "webhooks", params(("id" = String, Path)), security(("session" = [])),
    responses((status = 200, body = Webhook), (status = 404, body = Envelope)))]
pub async fn show(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<WebhookId>,
) -> Result<Response, Failure> {
    answer(&web, &caller.webhooks()?, id).await
}

/// Change a webhook
///
/// A JSON merge patch.
#[utoipa::path(patch, path = "/v1/webhooks/{id}", operation_id = "edit_webhook",
    tag = "webhooks", request_body = WebhookPatch, security(("session" = [])),
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Webhook), (status = 404, body = Envelope),
        (status = 412, body = Envelope), (status = 422, body = Envelope)))]
pub async fn edit(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<WebhookId>,
    IfMatch(expected_version): IfMatch,
    Json { value, .. }: Json<WebhookPatch>,
) -> Result<Response, Failure> {
    let access = caller.webhooks()?;
    let input = EditInput {
        url: value.url,
        events: value.events,
        active: value.active,
        expected_version,
    };
    webhooks::edit(web.app(), &access, id, input).await?;
    answer(&web, &access, id).await
}

/// Delete a webhook
///
/// What was not sent to it yet never is.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", operation_id = "delete_webhook",
    tag = "webhooks", params(("id" = String, Path)), security(("session" = [])),
    responses((status = 200, body = Deleted), (status = 404, body = Envelope)))]
pub async fn delete(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<WebhookId>,
) -> Result<axum::Json<Deleted>, Failure> {
    webhooks::delete(web.app(), &caller.webhooks()?, id).await?;
    Ok(Deleted::done())
}

/// Replace the signing secret
///
/// For a day every message is signed with both, so that a receiver can change over.
#[utoipa::path(post, path = "/v1/webhooks/{id}/rotate-secret",
    operation_id = "rotate_webhook_secret", tag = "webhooks", request_body = Nothing,
    params(("id" = String, Path)), security(("session" = [])),
    responses((status = 200, body = Webhook), (status = 404, body = Envelope)))]
pub async fn rotate_secret(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<WebhookId>,
    Json { .. }: Json<Nothing>,
) -> Result<Response, Failure> {
    let access = caller.webhooks()?;
    // What is shown beside the secret is read first: nothing can fail behind it.
    let before = webhooks::show(web.app(), &access, id).await?;
    let (webhook, secret) = webhooks::rotate_secret(web.app(), &access, id).await?;
    let version = webhook.version;
    let info = WebhookInfo { webhook, ..before };
    let body = Webhook::of(info, Some(ShownOnce(secret)));
    let no_store = [(CACHE_CONTROL, "no-store")];
    Ok((etag(version), no_store, axum::Json(body)).into_response())
}

/// Send a test message
///
/// An event `webhook.test`, whatever the webhook listens to.
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", operation_id = "test_webhook",
    tag = "webhooks", request_body = Nothing, params(("id" = String, Path)),
    security(("session" = [])),
    responses((status = 202, body = Delivery), (status = 404, body = Envelope),
        (status = 409, body = Envelope)))]
pub async fn test(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<WebhookId>,
    Json { .. }: Json<Nothing>,
) -> Result<Response, Failure> {
    let begun = webhooks::test(web.app(), &caller.webhooks()?, id).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(Delivery::of(begun))).into_response())
}

/// List deliveries
///
/// The newest first, each with its attempts.
#[utoipa::path(get, path = "/v1/webhooks/{id}/deliveries",
    operation_id = "list_webhook_deliveries", tag = "webhooks",
    params(("id" = String, Path), Paging), security(("session" = [])),
    responses((status = 200, body = Page<Delivery>), (status = 404, body = Envelope)))]
pub async fn deliveries(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<WebhookId>,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<Page<Delivery>>, Failure> {
    let access = caller.webhooks()?;
    let (after, limit) = (paging.after()?, paging.limit()?);
    let page = webhooks::deliveries(web.app(), &access, id, after, limit).await?;
    let shapes = page.deliveries.into_iter().map(Delivery::of).collect();
    let next = page.next.map(|id| id.to_string());
    Ok(axum::Json(Page::new(shapes, next)))
}

/// Send a message again
///
/// With the same `webhook-id`, now and if need be as often as a new one.
#[utoipa::path(post, path = "/v1/webhooks/{id}/deliveries/{delivery_id}/redeliver",
    operation_id = "redeliver_webhook", tag = "webhooks", request_body = Nothing,
    params(("id" = String, Path), ("delivery_id" = String, Path)), security(("session" = [])),
    responses((status = 202, body = Delivery), (status = 404, body = Envelope),
        (status = 409, body = Envelope)))]
pub async fn redeliver(
    State(web): State<Web>,
    Session(caller): Session,
    Ids(id, delivery_id): Ids<WebhookId, DeliveryId>,
    Json { .. }: Json<Nothing>,
) -> Result<Response, Failure> {
    let begun = webhooks::redeliver(web.app(), &caller.webhooks()?, id, delivery_id).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(Delivery::of(begun))).into_response())
}

fn access(caller: &Caller, instance: Option<bool>) -> Result<WebhookAccess, Failure> {
    Ok(if instance == Some(true) {
        caller.instance_webhooks()?
    } else {
        caller.webhooks()?
    })
}

async fn answer(web: &Web, access: &WebhookAccess, id: WebhookId) -> Result<Response, Failure> {
    let info = webhooks::show(web.app(), access, id).await?;
    let version = info.webhook.version;
    Ok((etag(version), axum::Json(Webhook::of(info, None))).into_response())
}

impl Webhook {
    /// A webhook as it is shown.
    pub fn of(info: WebhookInfo, secret: Option<ShownOnce>) -> Self {
        let WebhookInfo {
            webhook,
            failing_since,
        } = info;
        let model::Webhook { off, .. } = webhook;
        Self {
            id: webhook.id,
            active: webhook.is_active(),
            url: webhook.url,
            events: webhook.events,
            off_reason: off.map(|(_, why)| why.as_str()),
            off_at: off.map(|(at, _)| at),
            failing_since,
            old_secret_ends_at: webhook.old_secret.map(|(_, ends)| ends),
            account_id: webhook.account_id,
            created_by: webhook.created_by,
            created_at: webhook.created_at,
            secret,
        }
    }
}

impl Delivery {
    /// A delivery as it is shown.
    pub fn of(found: DeliveryWithAttempts) -> Self {
        let DeliveryWithAttempts { delivery, attempts } = found;
        let attempts = attempts.into_iter().map(|attempt| Attempt {
            at: attempt.at,
            duration_ms: attempt.millis,
            status: attempt.status,
            error: attempt.problem,
        });
        Self {
            id: delivery.id,
            event_id: delivery.event_id,
            state: delivery.state().as_str(),
            event_type: delivery.event_type,
            created_at: delivery.created_at,
            next_attempt_at: delivery.next_at,
            delivered_at: delivery.delivered_at,
            attempts: attempts.collect(),
            payload: serde_json::from_str(&delivery.body).unwrap_or_default(),
        }
    }
}
