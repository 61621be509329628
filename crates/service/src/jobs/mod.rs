//! What a server does by itself from time to time.

mod checkpoints;
mod clean;
mod clock;
mod mail;
mod sandboxes;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::clients::rotations;
use crate::signing_keys;

const PERIOD: Duration = Duration::from_secs(60);
/// How often is looked whether the instance is still sealed.
const SEALED_PERIOD: Duration = Duration::from_millis(500);
/// How often the first uses of new secrets are looked for.
const WATCH_PERIOD: Duration = Duration::from_secs(2);

/// The running jobs.
pub struct JobsHandle {
    tasks: Vec<(Arc<Notify>, JoinHandle<()>)>,
}

/// Starts the jobs of a server: at once, and then every minute; what rotations wait for every two
/// seconds.
pub fn start(app: App) -> JobsHandle {
    let (minutely, watching) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let telling = Arc::new(Notify::new());
    let teller = spawn(app.clone(), &telling, webhooks::run);
    let writing = Arc::new(Notify::new());
    let writer = spawn(app.clone(), &writing, mail::run);
    let watcher = spawn(app.clone(), &watching, watch);
    let comparing = Arc::new(Notify::new());
    let clock = spawn(app.clone(), &comparing, clock::watch);
    let runner = spawn(app, &minutely, run);
    JobsHandle {
        tasks: vec![
            (minutely, runner),
            (watching, watcher),
            (telling, teller),
            (writing, writer),
            (comparing, clock),
        ],
    }
}

impl JobsHandle {
    /// Ends the jobs; what is under way is finished first.
    pub async fn stop(self) {
        for (stopping, _) in &self.tasks {
            stopping.notify_one();
        }
        for (_, task) in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "the jobs ended before they were told to");
            }
        }
    }
}

/// Starts a job, which waits as long as the instance is sealed.
fn spawn<F>(
    app: App,
    stopping: &Arc<Notify>,
    job: impl FnOnce(App, Arc<Notify>) -> F + Send + 'static,
) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send,
{
    let stopping = Arc::clone(stopping);
    tokio::spawn(async move {
        while app.is_sealed() {
            tokio::select! {
                () = tokio::time::sleep(SEALED_PERIOD) => {}
                () = stopping.notified() => return,
            }
        }
        job(app, stopping).await;
    })
}

async fn run(app: App, stopping: Arc<Notify>) {
    loop {
        if let Err(error) = signing_keys::upkeep(&app).await {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%error, cause, "the signing keys could not be looked after");
        }
        checkpoints::sign(&app).await;
        sandboxes::reset(&app).await;
        clean::clean(&app).await;
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = stopping.notified() => return,
        }
    }
}

async fn watch(app: App, stopping: Arc<Notify>) {
    let mut failing = false;
    loop {
        let watched = rotations::watch(&app).await;
        if let (Err(error), false) = (&watched, failing) {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(%error, cause, "rotations wait: uses cannot be looked at now");
        }
        failing = watched.is_err();
        tokio::select! {
            () = tokio::time::sleep(WATCH_PERIOD) => {}
            () = stopping.notified() => return,
        }
    }
}
