//! `/healthz` and `/readyz`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use crate::state::Web;

/// Is the process alive?
///
/// Asks nothing of the database: a process that answers must not be restarted because of it.
#[utoipa::path(get, path = "/healthz", operation_id = "healthz",
    tag = "health", responses((status = 200, body = Object)))]
pub async fn alive() -> Response {
    axum::Json(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")})).into_response()
}

/// Can the node decide and write?
///
/// `storage` is `sound`, `full`, `failing` or `damaged`, and `clock` is `believed` or `jumped`:
/// whatever they keep from being done, a node decides, and stays ready.
#[utoipa::path(get, path = "/readyz", operation_id = "readyz",
    tag = "health",
    responses((status = 200, body = Object), (status = 503, body = Object)))]
pub async fn ready(State(web): State<Web>) -> Response {
    let app = web.app();
    let freshness = app.verifier().freshness();
    let body = json!({
        "epoch": freshness.epoch(),
        "staleness_ms": freshness.staleness_millis(app.sources().both()),
        "credentials": app.verifier().index().len(),
        "storage": app.condition().as_str(),
        "clock": if app.sources().clock_jump().is_some() { "jumped" } else { "believed" },
    });
    match app.readiness().await {
        Ok(()) => axum::Json(body).into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            let mut body = body;
            body["reason"] = json!(error.reason().as_str());
            (StatusCode::SERVICE_UNAVAILABLE, axum::Json(body)).into_response()
        }
    }
}
