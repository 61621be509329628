//! `cargo xtask memory`: the test that looks for keys in the memory of the server, at its full
//! length.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::workspace;

/// Says how many keys the test issues.
const COUNT_VARIABLE: &str = "CLAVIGER_TEST_KEYS";
const KEYS: &str = "1000";

/// What is left of 1,000 keys in the memory of the server five seconds after it showed them.
pub(crate) fn memory(arguments: &[String]) -> Result<ExitCode> {
    ensure!(arguments.is_empty(), "usage: cargo xtask memory");
    let status = workspace::cargo()
        .args(["test", "--quiet", "--locked", "--package", "claviger"])
        .args(["--test", "all", "memory::", "--", "--nocapture"])
        .env(COUNT_VARIABLE, KEYS)
        .status()
        .context("cannot start cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
