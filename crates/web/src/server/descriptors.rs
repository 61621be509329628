use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the process's soft limit of open files towards `wanted`, at most to the hard limit.
///
/// Many systems start programs with 1,024, which is fewer than the connections a listener may
/// hold. Returns the limit that is now in force, `u64::MAX` for none.
pub fn raise_open_files(wanted: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = limit.current else {
        return u64::MAX;
    };
    let target = limit.maximum.map_or(wanted, |maximum| wanted.min(maximum));
    if target <= current {
        return current;
    }
    let raised = Rlimit {
        current: Some(target),
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => target,
        Err(_) => current,
    }
}
