//! The system account that runs the server: PostgreSQL refuses to run as root.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Accounts without rights of their own, in order of preference.
const UNPRIVILEGED: &[&str] = &["postgres", "nobody"];

/// Who runs the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Account {
    /// We are not root: the server runs as we do.
    Own,
    /// We are root: the server runs as this account.
    Other { name: String, user: u32, group: u32 },
}

impl Account {
    /// Finds an account that may run the server.
    pub(crate) fn find() -> Result<Self> {
        if id(&["-u"]).context("cannot tell who we are")? != 0 {
            return Ok(Self::Own);
        }
        for name in UNPRIVILEGED {
            if let (Ok(user), Ok(group)) = (id(&["-u", name]), id(&["-g", name])) {
                return Ok(Self::Other {
                    name: (*name).to_owned(),
                    user,
                    group,
                });
            }
        }
        bail!("PostgreSQL refuses to run as root, and there is no account {UNPRIVILEGED:?}")
    }

    /// Makes the directory this account's own.
    pub(crate) fn give(&self, directory: &Path) -> Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Other { user, group, .. } => {
                std::os::unix::fs::chown(directory, Some(*user), Some(*group))
                    .with_context(|| format!("cannot change the owner of {}", directory.display()))
            }
        }
    }

    /// The words to put before a command so that it runs as this account.
    pub(crate) fn prefix(&self) -> Result<Vec<String>> {
        let Self::Other { name, user, group } = self else {
            return Ok(Vec::new());
        };
        let (user, group) = (user.to_string(), group.to_string());
        let words: &[&str] = if exists("setpriv") {
            &[
                "setpriv",
                "--reuid",
                &user,
                "--regid",
                &group,
                "--clear-groups",
                "--",
            ]
        } else if exists("runuser") {
            &["runuser", "-u", name, "--"]
        } else {
            bail!("PostgreSQL refuses to run as root, and setpriv and runuser are both missing")
        };
        Ok(words.iter().map(|word| (*word).to_owned()).collect())
    }
}

/// Whether a program of this name is in `PATH`.
pub(crate) fn exists(program: &str) -> bool {
    find(program).is_some()
}

/// The program of this name in `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

/// Whether this process runs as root.
pub(crate) fn is_root() -> bool {
    id(&["-u"]).is_ok_and(|user| user == 0)
}

fn id(arguments: &[impl AsRef<OsStr>]) -> Result<u32> {
    let output = Command::new("id")
        .args(arguments)
        .output()
        .context("cannot run id")?;
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .context("id printed no number")
}

#[cfg(test)]
mod tests {
    use super::{Account, exists};

    #[test]
    fn our_own_account_needs_no_prefix() {
        assert!(Account::Own.prefix().unwrap().is_empty());
    }

    #[test]
    fn another_account_is_named_by_the_prefix() {
        let account = Account::Other {
            name: "nobody".to_owned(),
            user: 65534,
            group: 65533,
        };
        if exists("setpriv") {
            let words = account.prefix().unwrap().join(" ");
            assert_eq!(
                words,
                "setpriv --reuid 65534 --regid 65533 --clear-groups --"
            );
        }
    }

    #[test]
    fn programs_are_looked_up_in_the_path() {
        assert!(exists("sh"));
        assert!(!exists("no-such-program-anywhere"));
    }
}
