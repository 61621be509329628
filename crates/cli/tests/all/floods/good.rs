//! Good requests that go on during a flood, each on a connection of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::task::JoinHandle;

use super::target::Target;
use crate::http::{get, post};

/// Who asks a server and counts its answers.
pub(super) struct Good {
    is_over: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<usize>>,
}

impl Good {
    /// Has keys decided at the internal listener, and asks the public one who is signed in.
    pub(super) fn start(target: &Target) -> Self {
        let mut good = Self::at_the_internal(target);
        let url = format!("http://{}/v1/whoami", target.public);
        let (session, is_over) = (target.session.clone(), Arc::clone(&good.is_over));
        good.tasks.push(tokio::spawn(async move {
            let mut answered = 0;
            while !is_over.load(Ordering::Relaxed) || answered == 0 {
                let answer = get(&url, &session).await;
                assert_eq!(answer.status, 200, "{answer:?}");
                answered += 1;
            }
            answered
        }));
        good
    }

    /// Only has keys decided.
    pub(super) fn at_the_internal(target: &Target) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let (url, over) = (
            format!("http://{}/v1/verify", target.internal),
            Arc::clone(&is_over),
        );
        let question = json!({"credential": target.key, "method": "GET", "path": "/v1/leads"});
        let verifies = tokio::spawn(async move {
            let mut answered = 0;
            while !over.load(Ordering::Relaxed) || answered == 0 {
                let answer = post(&url, "", &question).await;
                assert_eq!(answer.json()["allowed"], json!(true), "{answer:?}");
                answered += 1;
            }
            answered
        });
        Self {
            is_over,
            tasks: vec![verifies],
        }
    }

    /// Ends them; how many were answered, each of them rightly.
    pub(super) async fn end(self) -> usize {
        self.is_over.store(true, Ordering::Relaxed);
        let mut answered = 0;
        for task in self.tasks {
            answered += task.await.unwrap();
        }
        answered
    }
}
