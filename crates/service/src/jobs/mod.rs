//! What a server does by itself from time to time.

mod clean;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::signing_keys;

const PERIOD: Duration = Duration::from_secs(60);

/// The running jobs.
pub struct JobsHandle {
    stopping: Arc<Notify>,
    task: JoinHandle<()>,
}

/// Starts the jobs of a server: at once, and then every minute.
pub fn start(app: App) -> JobsHandle {
    let stopping = Arc::new(Notify::new());
    let task = tokio::spawn(run(app, Arc::clone(&stopping)));
    JobsHandle { stopping, task }
}

impl JobsHandle {
    /// Ends the jobs; what is under way is finished first.
    pub async fn stop(self) {
        self.stopping.notify_one();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the jobs ended before they were told to");
        }
    }
}

async fn run(app: App, stopping: Arc<Notify>) {
    loop {
        if let Err(error) = signing_keys::upkeep(&app).await {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%error, cause, "the signing keys could not be looked after");
        }
        clean::clean(&app).await;
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = stopping.notified() => return,
        }
    }
}
