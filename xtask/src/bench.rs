//! `cargo xtask bench`: the benchmarks, always built as users run the program.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::workspace;

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
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
