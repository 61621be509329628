//! The benchmark runs to its end: nothing that it does is refused, and every answer is right. Its
//! figures mean nothing here.

use std::path::Path;
use std::process::Command;

#[test]
fn a_short_run_measures_every_section() {
    let bench = env!("CARGO_BIN_EXE_claviger-bench");
    let program = Path::new(bench).with_file_name("claviger");
    assert!(
        program.exists(),
        "the program is not built: run `cargo build -p claviger` first"
    );
    let output = Command::new(bench).arg("--short").output().unwrap();
    let table = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{table}\n{errors}");
    assert!(table.contains(" bars met, "), "{table}");
}
