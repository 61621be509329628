//! Installs Debian's packages, where there is a Debian.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::account;

/// Installs packages with apt-get, with sudo when we are not root.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    ensure!(account::exists("apt-get"), "there is no apt-get");
    eprintln!("xtask: installing {} with apt-get", packages.join(" "));
    apt_get(&["update"])?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    apt_get(&arguments)
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut words: Vec<&str> = Vec::new();
    if !account::is_root() {
        if !account::exists("sudo") {
            bail!(
                "`apt-get {}` needs root, and there is no sudo",
                arguments.join(" ")
            );
        }
        words.extend(["sudo", "-n"]);
    }
    words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    words.extend(arguments);
    let status = Command::new(words[0])
        .args(&words[1..])
        .stdin(Stdio::null())
        // The last line of our own output is the summary: keep apt's chatter out of it.
        .stdout(std::io::stderr())
        .status()
        .context("cannot start apt-get")?;
    ensure!(status.success(), "`{}` failed ({status})", words.join(" "));
    Ok(())
}
