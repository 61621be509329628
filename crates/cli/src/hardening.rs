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
