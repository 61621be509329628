//! `cargo xtask bench`: the benchmarks, always built as users run the program.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::workspace;

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    // The bench starts the program that it measures from beside itself.
    let built = workspace::cargo()
        .args(["build", "--release", "--package", "claviger"])
        .status()
        .context("cannot start cargo")?;
    if !built.success() {
        return Ok(ExitCode::FAILURE);
    }
    let status = workspace::cargo()
        .args(["run", "--release", "--package", "claviger-bench", "--"])
        .args(arguments)
        .status()
        .context("cannot start cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
