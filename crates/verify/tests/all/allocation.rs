//! An allowed API key costs no heap allocation.

use claviger_verify::Request;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use crate::support::{ASKED, Instance, key};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

#[test]
fn an_allowed_key_allocates_nothing() {
    let instance = Instance::new();
    let secret = instance.put(&key());
    let request = Request {
        ip: Some([192, 0, 2, 7].into()),
        ..ASKED
    };
    // Other tests of this program allocate at the same time: one quiet round proves it, and one
    // that allocates every time would never be quiet.
    let quiet = (0..10_000).any(|_| {
        let region = Region::new(ALLOCATOR);
        assert!(instance.decide(&secret, &request).is_allowed());
        region.change().allocations == 0
    });
    assert!(quiet, "each of 10,000 decisions allocated");
}
