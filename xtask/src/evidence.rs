//! `cargo xtask memory` and `cargo xtask floods`: tests that are short in a run of all tests, at
//! their full length.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::workspace;

/// What is left of 1,000 keys in the memory of the server five seconds after it showed them.
pub(crate) fn memory(arguments: &[String]) -> Result<ExitCode> {
    ensure!(arguments.is_empty(), "usage: cargo xtask memory");
    run("memory::", ("CLAVIGER_TEST_KEYS", "1000"), &["--nocapture"])
}

/// Floods of every kind, one after the other, 20 times as long as in a run of all tests.
pub(crate) fn floods(arguments: &[String]) -> Result<ExitCode> {
    ensure!(arguments.is_empty(), "usage: cargo xtask floods");
    let one_by_one = ["--nocapture", "--test-threads=1"];
    run("floods::", ("CLAVIGER_TEST_FLOODS", "20"), &one_by_one)
}

/// Runs the tests of this name with a variable that says how much of something they do.
fn run(name: &str, (variable, value): (&str, &str), more: &[&str]) -> Result<ExitCode> {
    let status = workspace::cargo()
        .args(["test", "--quiet", "--locked", "--package", "claviger"])
        .args(["--test", "all", name, "--"])
        .args(more)
        .env(variable, value)
        .status()
        .context("cannot start cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
