//! Telling webhooks what happened, as it happens.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::app::App;
use crate::error::Error;
use crate::webhooks::{Sender, fan_out};

/// How often it is looked for something to tell.
const PERIOD: Duration = Duration::from_millis(500);

/// Tells until it is told to stop; what is under way then is finished.
pub(super) async fn run(app: App, stopping: Arc<Notify>) {
    let mut sender = Sender::new(app.clone());
    let mut failing = false;
    loop {
        let told = round(&app, &mut sender).await;
        if let (Err(error), false) = (&told, failing) {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(%error, cause, "webhooks wait: nothing can be told now");
        }
        failing = told.is_err();
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = sender.room_for_more() => {}
            () = stopping.notified() => break,
        }
    }
    sender.settle().await;
}

async fn round(app: &App, sender: &mut Sender) -> Result<(), Error> {
    fan_out(app).await?;
    sender.start_due().await.map(drop)
}
