//! Python, and environments of our own with packages from `PyPI`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::{apt, installed};

/// What the packages in `e2e/requirements.txt` need.
const MINOR_VERSION_MIN: u32 = 11;

const CANDIDATES: &[&str] = &["python3", "python", "/usr/bin/python3"];

/// Prints the version when everything that an environment is made with is there.
const ASK: &str = "import ensurepip, sys, venv; print('%d.%d.%d' % sys.version_info[:3])";

/// A Python that can make environments.
#[derive(Debug)]
pub(crate) struct Python {
    program: PathBuf,
    version: String,
}

impl Python {
    /// Finds a Python in `PATH`; installs Debian's packages when there is none that will do.
    pub(crate) fn find_or_install() -> Result<Self> {
        if let Some(found) = find() {
            return Ok(found);
        }
        apt::install(&["python3", "python3-venv"]).with_context(|| {
            format!(
                "Python 3.{MINOR_VERSION_MIN} or later with its module venv is needed; install it"
            )
        })?;
        find().with_context(|| {
            format!("Debian's Python is older than 3.{MINOR_VERSION_MIN}; install a newer one")
        })
    }

    /// An environment in the directory with exactly these requirements, made anew when they have
    /// changed; the directory of its programs.
    pub(crate) fn environment(&self, directory: &Path, requirements: &str) -> Result<PathBuf> {
        let programs = directory.join("bin");
        let wanted = format!("python {}\n{requirements}", self.version);
        if installed::is(directory, &wanted) && programs.join("python").exists() {
            return Ok(programs);
        }
        eprintln!(
            "xtask: installing Python packages in {}",
            directory.display()
        );
        let mut make = Command::new(&self.program);
        make.args(["-m", "venv", "--clear"]).arg(directory);
        run(make, "python -m venv")?;
        let list = directory.join("requirements.txt");
        fs::write(&list, requirements)
            .with_context(|| format!("cannot write {}", list.display()))?;
        let mut install = Command::new(programs.join("python"));
        install.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]);
        install.arg("--requirement").arg(&list);
        run(install, "pip install")?;
        installed::mark(directory, &wanted)?;
        Ok(programs)
    }
}

/// Runs a command that installs; what it says goes to standard error.
pub(crate) fn run(mut command: Command, name: &str) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot start `{name}`"))?;
    ensure!(status.success(), "`{name}` failed ({status})");
    Ok(())
}

fn find() -> Option<Python> {
    CANDIDATES.iter().find_map(|program| {
        let output = Command::new(program).args(["-c", ASK]).output().ok()?;
        let version = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        (output.status.success() && is_recent(&version)).then(|| Python {
            program: program.into(),
            version,
        })
    })
}

fn is_recent(version: &str) -> bool {
    let mut numbers = version.split('.').map_while(|number| number.parse().ok());
    let version: Option<(u32, u32)> = numbers.next().zip(numbers.next());
    version.is_some_and(|version| version >= (3, MINOR_VERSION_MIN))
}

#[cfg(test)]
mod tests {
    use super::is_recent;

    #[test]
    fn old_versions_will_not_do() {
        assert!(is_recent("3.11.2"));
        assert!(is_recent("3.14.0"));
        for old in ["3.9.18", "2.7.18", "", "3"] {
            assert!(!is_recent(old), "{old}");
        }
    }
}
