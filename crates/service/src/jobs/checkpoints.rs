//! Signing checkpoints of the audit log.

use crate::app::App;
use crate::audit::checkpoints::{Due, advance};

/// Signs a checkpoint when one is due.
pub(super) async fn sign(app: &App) {
    if let Err(error) = advance(app, Due::ByAge).await {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(%error, cause, "no checkpoint of the audit log could be signed");
    }
}
