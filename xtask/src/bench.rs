//! `cargo xtask bench`: the benchmarks, built as users run the program; a short run, whose figures
//! mean nothing, as developers do.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::test::node::Node;
use crate::workspace;

/// Names the Node that the rivals run in, beside whose packages `bench/rivals/node_modules` is.
const NODE_VARIABLE: &str = "CLAVIGER_BENCH_NODE";

/// Tells the benchmark what the tests of the decision's allocations came to.
const ALLOCATIONS_VARIABLE: &str = "CLAVIGER_BENCH_ALLOCATIONS";

/// The oldest Node with long-term support that both rivals run in.
const NODE_MAJOR_MIN: u32 = 22;

/// The sections that need more than the two programs.
const RIVALS: &str = "rivals";
const DECISIONS: &str = "decisions";

/// What is told and not measured, so that nothing is built in release mode for it.
const TOLD: [&str; 4] = ["list", "help", "--help", "-h"];

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    if arguments.iter().any(|one| TOLD.contains(&one.as_str())) {
        return bench(&[], arguments, Vec::new());
    }
    let is_short = arguments.iter().any(|argument| argument == "--short");
    let sections: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let is_wanted = |section: &str| sections.is_empty() || sections.contains(&section);
    let node = is_wanted(RIVALS)
        .then(|| rivals(is_short))
        .transpose()
        .context("the benchmark's rivals")?
        .flatten();
    let profile: &[&str] = if is_short { &[] } else { &["--release"] };
    // The bench starts the program that it measures from beside itself. That is built alone, as
    // for users: no other package adds features to it.
    let built = workspace::cargo()
        .args(["build", "--package", "claviger"])
        .args(profile)
        .status()
        .context("cannot start cargo")?;
    if !built.success() {
        return Ok(ExitCode::FAILURE);
    }
    let allocations = is_wanted(DECISIONS).then(allocations).transpose()?;
    let node = node.map(|node| (NODE_VARIABLE, node.into_os_string()));
    let allocations = allocations.map(|said| (ALLOCATIONS_VARIABLE, said.into()));
    bench(
        profile,
        arguments,
        node.into_iter().chain(allocations).collect(),
    )
}

/// Builds the benchmark's own program and runs it.
fn bench(
    profile: &[&str],
    arguments: &[String],
    variables: Vec<(&str, OsString)>,
) -> Result<ExitCode> {
    let status = workspace::cargo()
        .arg("run")
        .args(profile)
        .args(["--package", "claviger-bench", "--"])
        .args(arguments)
        .envs(variables)
        .status()
        .context("cannot start cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether a decision allocates, by the tests that count it: they need another allocator than the
/// benchmark's.
fn allocations() -> Result<&'static str> {
    let status = workspace::cargo()
        .args([
            "test",
            "--quiet",
            "--package",
            "claviger-verify",
            "--test",
            "all",
        ])
        .args(["--", "allocation::"])
        .status()
        .context("cannot start cargo")?;
    Ok(if status.success() { "none" } else { "some" })
}

/// Installs what the rivals are made of; the Node that runs them. A short run goes without where
/// they are not installed yet.
fn rivals(is_short: bool) -> Result<Option<PathBuf>> {
    let directory = workspace::root().join("bench/rivals");
    if is_short && !directory.join("node_modules").exists() {
        eprintln!("xtask: the short benchmark goes without rivals, which are not installed");
        return Ok(None);
    }
    let node = Node::find_or_install(&workspace::tools()?, NODE_MAJOR_MIN)?;
    node.packages(&directory)?;
    Ok(Some(node.program))
}
