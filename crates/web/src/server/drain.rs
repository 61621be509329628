use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Ends listeners gracefully; clones are the same drain.
#[derive(Clone, Debug, Default)]
pub struct Drain(Arc<State>);

#[derive(Debug, Default)]
struct State {
    started: AtomicBool,
    notify: Notify,
}

impl Drain {
    /// A drain that has not started.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts it: listeners close, each open connection gets one more answer.
    pub fn start(&self) {
        self.0.started.store(true, Ordering::Release);
        self.0.notify.notify_waiters();
    }

    /// Whether it has started; a readiness probe answers 503 from then on.
    pub fn is_started(&self) -> bool {
        self.0.started.load(Ordering::Acquire)
    }

    /// Returns when it has started.
    pub async fn started(&self) {
        let mut notice = pin!(self.notice());
        notice.as_mut().enable();
        if !self.is_started() {
            notice.await;
        }
    }

    /// Wakes the task that polls it when the drain starts; see [`Drain::is_started`] first.
    pub(super) fn notice(&self) -> Notified<'_> {
        self.0.notify.notified()
    }
}
