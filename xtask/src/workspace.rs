//! Where the workspace is, and how its cargo is called.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The directory of the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}

/// The cargo that runs this program, in the workspace's root.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// The packages of this platform; those of others need not be here to be read.
pub(crate) fn metadata() -> Result<Value> {
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1", "--locked", "--offline"]);
    command.args(["--filter-platform", &host()?]);
    let output = command.output().context("cannot start cargo metadata")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().next().unwrap_or("no message");
    ensure!(
        output.status.success(),
        "cargo metadata failed: {first}; build once, then try again"
    );
    serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")
}

/// The platform that this compiler builds for.
pub(crate) fn host() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .arg("-vV")
        .output()
        .context("cannot start rustc")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

/// Where cargo builds.
pub(crate) fn target() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let target = program.ancestors().nth(2);
    let target = target.context("this program is in no target directory")?;
    Ok(target.to_owned())
}

/// Where we install what tests and benchmarks run beside the program: below cargo's own directory.
pub(crate) fn tools() -> Result<PathBuf> {
    Ok(target()?.join("tools"))
}
