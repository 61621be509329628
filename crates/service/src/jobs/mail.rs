//! Letters, and the reminders that write some of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::app::App;
use crate::error::Error;
use crate::{mail, reminders};

/// How often it is looked for letters that wait.
const PERIOD: Duration = Duration::from_secs(2);
/// In every how many of these it is looked for what somebody has to be reminded of.
const REMINDING: u32 = 150;

/// Reminds and sends until it is told to stop.
pub(super) async fn run(app: App, stopping: Arc<Notify>) {
    let mut failing = false;
    let mut rounds = 0;
    loop {
        let done = round(&app, rounds % REMINDING == 0).await;
        if let (Err(error), false) = (&done, failing) {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(%error, cause, "reminders and letters wait");
        }
        failing = done.is_err();
        rounds = rounds.wrapping_add(1);
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = stopping.notified() => return,
        }
    }
}

async fn round(app: &App, reminds: bool) -> Result<(), Error> {
    if reminds {
        reminders::remind(app).await?;
    }
    mail::send_due(app).await
}
