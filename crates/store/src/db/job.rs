//! A closure that waits for the writer of SQLite, with its caller.

use futures_core::future::BoxFuture;
use tokio::sync::oneshot;

use super::Committed;
use super::conn::Tx;
use super::plan::Plan;
use super::work::attempt;
use crate::error::{Cause, StoreError};

type Reply<T, E> = oneshot::Sender<Result<Committed<T>, E>>;

/// A closure with its caller, whatever their types.
pub(super) trait Job: Send {
    /// What a test has fail of it.
    fn plan(&self) -> &Plan;

    /// Runs it, again if need be.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, Outcome>;

    /// How it is treated on a full disk.
    fn class(&self) -> Class;

    /// Answers after the commit, with the epoch when it recorded changes, or with the error that
    /// befell all of the batch.
    fn answer(self: Box<Self>, outcome: Result<Option<i64>, StoreError>);
}

/// How a closure is treated on a full disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// It is refused.
    Ordinary,
    /// It is tried.
    Urgent,
    /// It takes power away: place is made for it.
    Removal,
}

/// How a closure ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Its work stays.
    Stays,
    /// It failed, and may have written something by then.
    Failed { wrote: bool },
}

/// How a closure ended, and whether it found the disk full.
#[derive(Clone, Copy)]
pub(super) struct Outcome {
    pub(super) ending: Ending,
    pub(super) full: bool,
}

/// A closure with its caller.
pub(super) struct Request<T, E, F> {
    pub(super) work: F,
    pub(super) class: Class,
    pub(super) plan: Plan,
    pub(super) result: Option<Result<T, E>>,
    pub(super) reply: Reply<T, E>,
}

impl<T, E, F> Job for Request<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync,
{
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, Outcome> {
        tx.faults.plan = self.plan.clone();
        Box::pin(async move {
            let attempt = attempt(&self.work, tx).await;
            let (full, wrote) = (attempt.full, attempt.wrote);
            let ending = match attempt.result {
                Ok(_) => Ending::Stays,
                Err(_) => Ending::Failed { wrote },
            };
            self.result = Some(attempt.result);
            Outcome { ending, full }
        })
    }

    fn class(&self) -> Class {
        self.class
    }

    fn answer(self: Box<Self>, outcome: Result<Option<i64>, StoreError>) {
        let answer = match (outcome, self.result) {
            (Ok(epoch), Some(result)) => result.map(|value| Committed { value, epoch }),
            // What it saw of the others in its batch is undone too, so this goes for failures.
            (Err(error), _) => Err(error.into()),
            (Ok(_), None) => Err(closed().into()),
        };
        // The caller may have gone away.
        let _ = self.reply.send(answer);
    }
}

/// Nobody runs closures any more.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable(Cause::new("its writer has ended"))
}
