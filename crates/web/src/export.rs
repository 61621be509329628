//! The audit log as a file to be saved, from a page or by a program.

use axum::response::Response;
use claviger_service::App;
use claviger_service::audit::Export;

use crate::pages::dates;
use crate::portal::download::{Parts, download};
use crate::state::Web;

/// Sends an export while it is read from the database.
pub(crate) fn events(web: &Web, export: Export) -> Response {
    let app = web.app().clone();
    let name = format!("audit-{}.jsonl", dates::machine_day(app.sources().now()));
    let write = |parts: Parts| async move { write(&app, export, &parts).await };
    download(&name, "application/jsonl", write)
}

async fn write(app: &App, mut export: Export, parts: &Parts) {
    loop {
        let part = match export.next(app).await {
            Ok(Some(lines)) => Ok(lines.into()),
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, "an export of the audit log was cut off");
                Err(error)
            }
        };
        let is_over = part.is_err();
        // Nobody reads any more when it cannot be sent.
        if parts.send(part).await.is_err() || is_over {
            return;
        }
    }
}
