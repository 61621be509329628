//! What a process that holds the master key does before it reads it.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Leaves no core dump and lets no other process of the same user look into the memory.
///
/// A system that refuses is warned of and not stopped for: the server works without it.
pub(crate) fn harden() {
    let nothing = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, nothing) {
        tracing::warn!(%error, "core dumps cannot be switched off");
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "other processes of this user can look into the memory");
    }
}

/// How much less than the threads of decisions the others may ask of a busy processor: about a
/// quarter of it (setpriority(2)).
const STEP_BACK: i32 = 6;

/// Lets the threads that decide go before the present one, on which pages are made, passwords
/// hashed and files imported. On Linux a priority is a thread's own, and those that it starts have
/// it too.
pub(crate) fn step_back() {
    if cfg!(target_os = "linux") {
        // Whoever may not: the processor is shared evenly then.
        let _ = rustix::process::setpriority_process(None, STEP_BACK);
    }
}
