//! Putting test environments back to their start.

use crate::app::App;
use crate::sandbox;

/// Resets what is appointed and not done.
pub(super) async fn reset(app: &App) {
    match sandbox::reset_appointed(app).await {
        Ok(0) => {}
        Ok(accounts) => tracing::info!(accounts, "test environments were reset"),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%error, cause, "test environments wait for their reset");
        }
    }
}
