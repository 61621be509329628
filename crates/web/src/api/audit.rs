//! `/v1/audit`: who changed what, and what proves it elsewhere.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::ids::EventId;
use claviger_service::audit::checkpoints::{self, CheckpointView, KeyView};
use claviger_service::audit::{self, AuditFilter, EventView, Export};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::decisions::time;
use super::{Nothing, Page};
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::export::events;
use crate::extract::{Id, Json, Paging, Query, Session};
use crate::state::Web;

/// Which events to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Of this action, such as `key.created`.
    action: Option<String>,
    /// By this actor: an id.
    actor: Option<String>,
    /// About this thing: an id.
    target: Option<String>,
    /// From this time on, in Unix milliseconds.
    from: Option<String>,
    /// Before this time, in Unix milliseconds.
    to: Option<String>,
}

/// List audit events
///
/// The newest first. An account sees its own; an operator who is in none sees all.
#[utoipa::path(get, path = "/v1/audit", operation_id = "list_audit_events",
    tag = "evidence", params(AuditQuery, Paging),
    security(("session" = [])),
    responses((status = 200, body = Page<Object>), (status = 403, body = Envelope)))]
pub async fn list(
    State(web): State<Web>,
    Session(caller): Session,
    Query(query): Query<AuditQuery>,
    Query(paging): Query<Paging>,
) -> Result<Response, Failure> {
    let access = caller.evidence()?;
    let filter = query.filter()?;
    let page = audit::page(
        web.app(),
        &access,
        &filter,
        paging.after()?,
        paging.limit()?,
    )
    .await?;
    let data: Vec<EventView<'_>> = page.events.iter().map(EventView::new).collect();
    let next = page.next.map(|seq| seq.to_string());
    Ok(axum::Json(Page::new(data, next)).into_response())
}

/// A signed checkpoint of the audit log.
#[derive(Serialize, ToSchema)]
pub struct Checkpoint {
    /// The place of its last event: how many events it stands for.
    #[schema(example = 1000)]
    seq: u64,
    /// When it was signed, in Unix milliseconds.
    at: i64,
    /// The head of the tree over these events (RFC 9162 section 2.1.1), in hexadecimal.
    root: String,
    /// The hash of the last event in the chain, in hexadecimal.
    hash: String,
    /// The log that it is of.
    #[schema(example = "keys.example.com/audit")]
    origin: String,
    /// The key that signed it, as it is compared: SHA-256 in base64.
    key_fingerprint: String,
    /// The signed note: what is kept, and given to `claviger audit verify`.
    note: String,
}

/// The keys that checkpoints are signed with.
#[derive(Serialize, ToSchema)]
pub struct CheckpointKeys {
    /// The keys, the current one first.
    keys: Vec<CheckpointKey>,
}

/// A key that checkpoints are signed with.
#[derive(Serialize, ToSchema)]
pub struct CheckpointKey {
    /// The public half, in the form of signed notes: `<log>+<hash>+<key>`.
    key: String,
    /// SHA-256 of it in base64, to be compared.
    fingerprint: String,
    /// Whether new checkpoints are signed with it.
    is_current: bool,
}

/// Export audit events
///
/// JSON lines, the oldest first, that `claviger audit verify` checks without the server. For an
/// operator who is in no account and asks for everything: the whole log with its checkpoints. For
/// everybody else: the events of the account, each with its proof.
#[utoipa::path(get, path = "/v1/audit/export", operation_id = "export_audit_events",
    tag = "evidence", params(AuditQuery), security(("session" = [])),
    responses((status = 200, description = "The events", body = String,
        content_type = "application/jsonl"), (status = 403, body = Envelope)))]
pub async fn export(
    State(web): State<Web>,
    Session(caller): Session,
    Query(query): Query<AuditQuery>,
) -> Result<Response, Failure> {
    let access = caller.evidence()?;
    let export = Export::begin(web.app(), &access, &query.filter()?).await?;
    Ok(events(&web, export))
}

/// Show the proof of an audit event
///
/// The event, a checkpoint that was signed over the log, and the hashes that lead from one to the
/// other. It tells nothing of other events. An event that no checkpoint stands for yet gets one.
#[utoipa::path(get, path = "/v1/audit/{id}/proof", operation_id = "prove_audit_event",
    tag = "evidence", params(("id" = String, Path, example = "evt_01jnwz3c8k0000000000000000")),
    security(("session" = [])),
    responses((status = 200, body = Object), (status = 403, body = Envelope),
        (status = 404, body = Envelope), (status = 409, body = Envelope)))]
pub async fn proof(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<EventId>,
) -> Result<Response, Failure> {
    let access = caller.evidence()?;
    let proof = audit::proof(web.app(), &access, id).await?;
    Ok(axum::Json(proof.document()?).into_response())
}

/// List checkpoints of the audit log
///
/// The newest first. Whoever keeps one can tell later whether the log was changed since.
#[utoipa::path(get, path = "/v1/audit/checkpoints", operation_id = "list_audit_checkpoints",
    tag = "evidence", params(Paging), security(("session" = [])),
    responses((status = 200, body = Page<Checkpoint>), (status = 403, body = Envelope)))]
pub async fn list_checkpoints(
    State(web): State<Web>,
    Session(caller): Session,
    Query(paging): Query<Paging>,
) -> Result<axum::Json<Page<Checkpoint>>, Failure> {
    let access = caller.evidence()?;
    let page = checkpoints::list(web.app(), &access, paging.after()?, paging.limit()?).await?;
    let data = page.checkpoints.into_iter().map(Checkpoint::from).collect();
    let next = page.next.map(|seq| seq.to_string());
    Ok(axum::Json(Page::new(data, next)))
}

/// Sign a checkpoint now
///
/// Over every event so far; the last one again when nothing happened since.
#[utoipa::path(post, path = "/v1/audit/checkpoints", operation_id = "sign_audit_checkpoint",
    tag = "operator", request_body = Nothing, security(("session" = [])),
    responses((status = 201, body = Checkpoint), (status = 403, body = Envelope),
        (status = 409, body = Envelope)))]
pub async fn make_checkpoint(
    State(web): State<Web>,
    Session(caller): Session,
    Json { .. }: Json<Nothing>,
) -> Result<Response, Failure> {
    let made = checkpoints::make(web.app(), &caller.operator()?).await?;
    Ok((StatusCode::CREATED, axum::Json(Checkpoint::from(made))).into_response())
}

/// Show the keys that checkpoints are signed with
///
/// For everybody. Keep them: an export is checked with a key that was there before.
#[utoipa::path(get, path = "/.well-known/claviger-audit-keys.json",
    operation_id = "audit_checkpoint_keys", tag = "evidence",
    responses((status = 200, body = CheckpointKeys)))]
pub async fn checkpoint_keys(State(web): State<Web>) -> Response {
    let keys = checkpoints::keys(web.app());
    let keys = keys.into_iter().map(CheckpointKey::from).collect();
    let mut response = axum::Json(CheckpointKeys { keys }).into_response();
    let cache = HeaderValue::from_static("public, max-age=300");
    response.headers_mut().insert(CACHE_CONTROL, cache);
    response
}

impl From<CheckpointView> for Checkpoint {
    fn from(view: CheckpointView) -> Self {
        Self {
            seq: view.seq,
            at: view.at,
            root: view.root,
            hash: view.hash,
            origin: view.origin,
            key_fingerprint: view.key_fingerprint,
            note: view.note,
        }
    }
}

impl From<KeyView> for CheckpointKey {
    fn from(view: KeyView) -> Self {
        Self {
            key: view.key,
            fingerprint: view.fingerprint,
            is_current: view.is_current,
        }
    }
}

impl AuditQuery {
    fn filter(self) -> Result<AuditFilter, Failure> {
        Ok(AuditFilter {
            action: self.action,
            actor: self.actor,
            target: self.target,
            from: time("from", self.from)?,
            to: time("to", self.to)?,
        })
    }
}
