//! `cargo xtask bench`: the benchmarks, always built as users run the program.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::test::node::Node;
use crate::workspace;

/// Names the Node that the rivals run in, beside whose packages `bench/rivals/node_modules` is.
const NODE_VARIABLE: &str = "CLAVIGER_BENCH_NODE";

/// What node oidc-provider supports.
const NODE_MAJOR_MIN: u32 = 22;

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let node = match rivals() {
        Err(error) if arguments.iter().any(|argument| argument == "--short") => {
            eprintln!("xtask: the benchmark goes without rivals: {error:#}");
            None
        }
        found => Some(found.context("the benchmark's rivals")?),
    };
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
        .envs(node.map(|node| (NODE_VARIABLE, node)))
        .status()
        .context("cannot start cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Installs what the rivals are made of; the Node that runs them.
fn rivals() -> Result<PathBuf> {
    let node = Node::find_or_install(&workspace::tools()?, NODE_MAJOR_MIN)?;
    node.packages(&workspace::root().join("bench/rivals"))?;
    Ok(node.program)
}
