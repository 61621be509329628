//! The fuzzer: feeds the target that `CLAVIGER_FUZZ_TARGET` names. `cargo xtask fuzz` runs it.
#![no_main]

mod targets;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<targets::Target> = LazyLock::new(|| {
    let name = std::env::var("CLAVIGER_FUZZ_TARGET").unwrap_or_default();
    let found = targets::TARGETS.iter().find(|(known, _)| *known == name);
    let Some((_, target)) = found else {
        panic!("CLAVIGER_FUZZ_TARGET has to name a target; `{name}` is none");
    };
    *target
});

fuzz_target!(|input: &[u8]| TARGET(input));
