//! Running one closure so that nothing it does can hurt anything but itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_core::future::BoxFuture;

use super::conn::Tx;
use super::query::Faults;
use crate::error::{Cause, StoreError};

/// How long one closure may take. It holds the only writer of SQLite.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// How a closure ended.
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that go with each other in every way"
)]
pub(super) struct Attempt<T, E> {
    pub(super) result: Result<T, E>,
    /// Whether the same transaction may succeed when it is run again.
    pub(super) retryable: bool,
    /// Whether the disk was full.
    pub(super) full: bool,
    /// Whether it was cut off in the middle of a statement.
    pub(super) cut_off: bool,
    /// Whether it may have written something.
    pub(super) wrote: bool,
}

/// Runs `work`. A panic and a time-out become errors, and so does a statement that failed without
/// `work` minding.
pub(super) async fn attempt<T, E, F>(work: &F, tx: &mut Tx) -> Attempt<T, E>
where
    E: From<StoreError>,
    F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, E>>,
{
    tx.faults.take();
    let guarded = catch(async { work(&mut *tx).await });
    let outcome = tokio::time::timeout(TIME_LIMIT, guarded).await;
    let cut_off = !matches!(outcome, Ok(Some(_)));
    let result = match outcome {
        Ok(Some(result)) => result,
        Ok(None) => Err(StoreError::Internal(Cause::new("a transaction panicked")).into()),
        Err(_) => Err(StoreError::Unavailable(Cause::new("a transaction took too long")).into()),
    };
    let Faults {
        first,
        retryable,
        full,
        wrote,
        ..
    } = tx.faults.take();
    let result = match (result, first) {
        (Ok(_), Some(error)) => Err(error.into()),
        (result, _) => result,
    };
    Attempt {
        result,
        retryable,
        full,
        cut_off,
        wrote,
    }
}

/// The future's output; `None` when it panicked.
async fn catch<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        let poll = AssertUnwindSafe(|| future.as_mut().poll(context));
        match catch_unwind(poll) {
            Ok(poll) => poll.map(Some),
            Err(_) => Poll::Ready(None),
        }
    })
    .await
}
