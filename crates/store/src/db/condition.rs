//! How the disk below a SQLite database is, as far as its errors tell.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::StoreError;

/// How a database keeps what it is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    /// As it should.
    Sound,
    /// The disk is full: what takes power away is written, and nothing else.
    Full,
    /// The disk failed at the last change: nothing of it was acknowledged.
    Failing,
    /// The file of the database is damaged, found since the start.
    Damaged,
}

/// What the errors of a database's connections come to.
#[derive(Debug, Default)]
pub(super) struct Signs {
    is_failing: AtomicBool,
    is_damaged: AtomicBool,
    errors: AtomicU64,
}

impl Condition {
    /// The word for it in answers and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Full => "full",
            Self::Failing => "failing",
            Self::Damaged => "damaged",
        }
    }
}

impl Signs {
    /// Notes an error; the first one of its kind is an alarm.
    pub(super) fn note(&self, error: &StoreError) {
        let (StoreError::DiskError(cause) | StoreError::Damaged(cause)) = error else {
            return;
        };
        self.errors.fetch_add(1, Ordering::Relaxed);
        if matches!(error, StoreError::Damaged(_)) {
            if !self.is_damaged.swap(true, Ordering::AcqRel) {
                tracing::error!(
                    %cause,
                    "the file of the database is damaged: what cannot be read or changed is \
                     refused, and decisions go on from memory; look at the disk, stop the server \
                     and bring the last backup back with `claviger restore`"
                );
            }
        } else if !self.is_failing.swap(true, Ordering::AcqRel) {
            tracing::error!(
                %cause,
                "the disk does not keep what is written to it: changes are refused and none is \
                 acknowledged, decisions go on; look at the kernel's log and the disk; when it \
                 works again changes do too, without a restart"
            );
        }
    }

    /// Notes that a change was brought to the disk.
    pub(super) fn heal(&self) {
        // Mostly there is nothing to heal, and a look is cheaper than a write.
        if self.is_failing.load(Ordering::Acquire) && self.is_failing.swap(false, Ordering::AcqRel)
        {
            tracing::info!("the disk keeps what is written to it again");
        }
    }

    pub(super) fn condition(&self) -> Condition {
        if self.is_damaged.load(Ordering::Acquire) {
            Condition::Damaged
        } else if self.is_failing.load(Ordering::Acquire) {
            Condition::Failing
        } else {
            Condition::Sound
        }
    }

    /// Errors of the disk and damages since the start.
    pub(super) fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }
}
