//! Resident memory of the index: what each live key takes, in a process of its own for each size.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Section;
use crate::bars::{Bar, Unit};
use crate::report::Bench;
use crate::resident;

pub(crate) const SECTION: Section = Section {
    name: "memory",
    measures: "what the resident memory grows by, a live key, when the index is filled",
    bars: &[MILLION, TEN_MILLION],
    run,
};

const MILLION: Bar = Bar::at_most("resident memory a key, 1,000,000 keys", Unit::Bytes, 200.0);
const TEN_MILLION: Bar = Bar::at_most("resident memory a key, 10,000,000 keys", Unit::Bytes, 200.0);

/// Keys of an account.
const KEYS_OF_ACCOUNT: u64 = 100;

fn run(bench: &mut Bench) -> Result<()> {
    for (bar, keys) in [MILLION, TEN_MILLION]
        .into_iter()
        .zip(bench.plan.resident_keys)
    {
        let output = std::process::Command::new(std::env::current_exe()?)
            .args(["memory-of", &keys.to_string()])
            .output()?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let bytes: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let each = bytes / keys as f64;
        let detail = format!("{keys} keys take {:.0} MiB", bytes / f64::from(1 << 20));
        bench.add(bar.figure(each, detail));
    }
    Ok(())
}

/// Fills the index in this process, and prints by how many bytes that made it grow.
pub(crate) fn report(keys: u64) -> Result<()> {
    let keyring = resident::keyring()?;
    // What the first keys bring with them once is not each key's.
    drop(resident::filled(1, 1, &keyring)?);
    let before = resident_bytes()?;
    let index = resident::filled(keys, (keys / KEYS_OF_ACCOUNT).max(1), &keyring)?;
    give_back();
    let after = resident_bytes()?;
    ensure!(index.len() as u64 == keys, "not all keys are there");
    println!("{}", after.saturating_sub(before));
    Ok(())
}

/// Waits until the allocator has given back to the system what filling took: it does that a second
/// after memory became free, when large pieces come and go, as they do in a server.
fn give_back() {
    for _ in 0..30 {
        drop(std::hint::black_box(vec![1u8; 16 << 20]));
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn resident_bytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.context("VmRSS")?.trim().trim_end_matches(" kB");
    Ok(kib.parse::<u64>()? * 1024)
}
