//! Statements that fail because a test wants them to. Without the feature `testing` there is
//! nothing of it: a plan has no size, and lets every statement pass.

use crate::error::StoreError;

/// Which statements of one request fail.
#[derive(Clone, Default)]
pub(crate) struct Plan {
    #[cfg(feature = "testing")]
    statements: Option<std::sync::Arc<Statements>>,
}

#[cfg(feature = "testing")]
tokio::task_local! {
    static PRESENT: std::sync::Arc<Statements>;
}

/// What was run on behalf of one request.
#[cfg(feature = "testing")]
#[derive(Default)]
struct Statements {
    count: std::sync::atomic::AtomicUsize,
    commits: std::sync::atomic::AtomicUsize,
    committed_at: std::sync::atomic::AtomicUsize,
    fails: Option<Failing>,
}

/// Which of the statements that a request runs fail, from zero.
#[cfg(feature = "testing")]
#[derive(Clone, Copy, Debug)]
pub enum Failing {
    /// This one alone.
    One(usize),
    /// This one and all after it, the end of its transaction included.
    From(usize),
}

/// What a request ran.
#[cfg(feature = "testing")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RanStatements {
    /// How many statements, those that failed included.
    pub count: usize,
    /// How many of them were commits that did not fail.
    pub commits: usize,
    /// How many statements there had been at the last of them.
    pub committed_at: usize,
}

/// Runs `work` with statements that fail, and counts those that it ran: in its own task and in
/// the transactions that it asks for, not in the background.
#[cfg(feature = "testing")]
pub async fn with_failing<F: Future>(
    fails: Option<Failing>,
    work: F,
) -> (F::Output, RanStatements) {
    use std::sync::atomic::Ordering;
    let statements = std::sync::Arc::new(Statements {
        fails,
        ..Statements::default()
    });
    let output = PRESENT
        .scope(std::sync::Arc::clone(&statements), work)
        .await;
    let ran = RanStatements {
        count: statements.count.load(Ordering::SeqCst),
        commits: statements.commits.load(Ordering::SeqCst),
        committed_at: statements.committed_at.load(Ordering::SeqCst),
    };
    (output, ran)
}

impl Plan {
    /// The plan of whoever asks.
    pub(super) fn present() -> Self {
        Self {
            #[cfg(feature = "testing")]
            statements: PRESENT.try_with(std::sync::Arc::clone).ok(),
        }
    }

    /// Whether there is one.
    #[cfg_attr(
        not(feature = "testing"),
        expect(clippy::unused_self, reason = "a plan has nothing without tests")
    )]
    pub(super) fn is_one(&self) -> bool {
        #[cfg(feature = "testing")]
        return self.statements.is_some();
        #[cfg(not(feature = "testing"))]
        false
    }

    /// Notes that a transaction was committed.
    #[cfg_attr(
        not(feature = "testing"),
        expect(clippy::unused_self, reason = "a plan has nothing without tests")
    )]
    pub(super) fn committed(&self) {
        #[cfg(feature = "testing")]
        if let Some(statements) = &self.statements {
            use std::sync::atomic::Ordering::SeqCst;
            statements.commits.fetch_add(1, SeqCst);
            let count = statements.count.load(SeqCst);
            statements.committed_at.store(count, SeqCst);
        }
    }

    /// Lets the next statement pass, or says what becomes of it.
    #[cfg_attr(
        not(feature = "testing"),
        expect(
            clippy::unused_self,
            clippy::unnecessary_wraps,
            reason = "a plan has nothing without tests"
        )
    )]
    pub(super) fn admit(&self) -> Result<(), StoreError> {
        #[cfg(feature = "testing")]
        if let Some(statements) = &self.statements {
            let count = &statements.count;
            let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let is_failing = statements.fails.is_some_and(|fails| match fails {
                Failing::One(nth) => number == nth,
                Failing::From(first) => number >= first,
            });
            if is_failing {
                let cause = crate::error::Cause::new("a test has it fail");
                return Err(StoreError::Unavailable(cause));
            }
        }
        Ok(())
    }
}
