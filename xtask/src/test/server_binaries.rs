//! Finds PostgreSQL's server programs, and installs them on Debian when there are none.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::apt;

/// The oldest major version that Claviger supports.
const MAJOR_VERSION_MIN: u32 = 15;

/// Directories that hold one directory for each version, and where the programs are below it.
const VERSIONED: &[(&str, &str)] = &[
    ("/usr/lib/postgresql", "bin"),
    ("/usr", "bin"),
    ("/opt/homebrew/opt", "bin"),
];

/// The directory with `initdb` and `postgres`, and what the server says its version is.
#[derive(Debug)]
pub(crate) struct ServerBinaries {
    pub(crate) directory: PathBuf,
    pub(crate) version: String,
}

impl ServerBinaries {
    /// Finds the programs; installs them with apt-get when they are missing.
    pub(crate) fn find_or_install() -> Result<Self> {
        if let Some(found) = find() {
            return Ok(found);
        }
        apt::install(&["postgresql"]).context(
            "the tests need PostgreSQL 15 or later (the programs initdb and postgres); \
             install it, or set CLAVIGER_TEST_POSTGRES to the URL of a server",
        )?;
        find().context("PostgreSQL was installed, but a server of version 15 or later is not there")
    }
}

fn find() -> Option<ServerBinaries> {
    candidates().into_iter().find_map(|directory| {
        let version = version_of(&directory)?;
        (major(&version)? >= MAJOR_VERSION_MIN).then_some(ServerBinaries { directory, version })
    })
}

/// Directories that may hold the programs: those in `PATH` first, then the newest version.
fn candidates() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // A link to initdb does not find its share directory: take the place it points to.
    let mut found: Vec<PathBuf> = std::env::split_paths(&path)
        .filter_map(|directory| fs::canonicalize(directory.join("initdb")).ok())
        .filter_map(|program| program.parent().map(Path::to_path_buf))
        .collect();
    for (parent, below) in VERSIONED {
        found.extend(
            versions(Path::new(parent))
                .into_iter()
                .map(|version| version.join(below)),
        );
    }
    found
}

/// The directories called `15`, `pgsql-15`, `postgresql@15` and the like, newest first.
fn versions(parent: &Path) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let number = name
                .strip_prefix("pgsql-")
                .or_else(|| name.strip_prefix("postgresql@"))
                .unwrap_or(&name);
            Some((number.parse().ok()?, entry.path()))
        })
        .collect();
    found.sort_by_key(|(number, _)| Reverse(*number));
    found.into_iter().map(|(_, path)| path).collect()
}

/// What `postgres --version` says, such as `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`.
fn version_of(directory: &Path) -> Option<String> {
    if !directory.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(directory.join("postgres"))
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim()
        .strip_prefix("postgres (")
        .map(|rest| rest.replacen(')', "", 1))
}

/// The 15 of `PostgreSQL 15.13 (Debian 15.13-0+deb12u1)` or of `PostgreSQL 18beta1`.
fn major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(1)?;
    let digits = number
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(number.len());
    number.get(..digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{major, version_of, versions};
    use std::fs;
    use std::path::Path;

    #[test]
    fn reads_the_major_version() {
        assert_eq!(major("PostgreSQL 15.13 (Debian 15.13-0+deb12u1)"), Some(15));
        assert_eq!(major("PostgreSQL 18beta1"), Some(18));
        assert_eq!(major("PostgreSQL"), None);
    }

    #[test]
    fn takes_the_newest_version_first() {
        let parent = std::env::temp_dir().join(format!("xtask-versions-{}", std::process::id()));
        for name in ["9", "17", "pgsql-16", "postgresql@18", "share"] {
            fs::create_dir_all(parent.join(name)).unwrap();
        }
        let names: Vec<_> = versions(&parent)
            .iter()
            .filter_map(|path| path.file_name()?.to_str().map(str::to_owned))
            .collect();
        assert_eq!(names, ["postgresql@18", "17", "pgsql-16", "9"]);
        fs::remove_dir_all(&parent).unwrap();
    }

    #[test]
    fn a_directory_without_the_programs_is_none() {
        assert_eq!(version_of(Path::new("/nowhere")), None);
    }
}
