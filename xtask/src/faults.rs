//! `cargo xtask faults [--kills N] [--flips N] [--seed N]`: the storms of the tests at their full
//! length.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::workspace;

const USAGE: &str = "usage: cargo xtask faults [--kills N] [--flips N] [--seed N]";

/// An argument, the variable by which the tests know it, and what it is when nobody says.
const ARGUMENTS: [(&str, &str, Option<&str>); 3] = [
    ("--kills", "CLAVIGER_TEST_KILLS", Some("1000")),
    ("--flips", "CLAVIGER_TEST_FLIPS", Some("500")),
    ("--seed", "CLAVIGER_TEST_SEED", None),
];

/// Kills, failing and slow disks, damaged files and jumping clocks; the tests print the figures.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let variables = chosen(arguments)?;
    let status = workspace::cargo()
        .args(["test", "--quiet", "--locked", "--package", "claviger"])
        .args([
            "--test",
            "all",
            "storm::",
            "--",
            "--nocapture",
            "--test-threads=1",
        ])
        .envs(variables)
        .status()
        .context("cannot start cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The variables that the tests are started with.
fn chosen(arguments: &[String]) -> Result<Vec<(&'static str, String)>> {
    let mut variables = Vec::new();
    for (_, variable, default) in ARGUMENTS {
        variables.extend(default.map(|default| (variable, default.to_owned())));
    }
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let known = ARGUMENTS.iter().find(|(argument, ..)| argument == name);
        let Some((_, variable, _)) = known else {
            bail!("{USAGE}")
        };
        let number: u64 = rest
            .next()
            .and_then(|text| text.parse().ok())
            .context(USAGE)?;
        variables.retain(|(present, _)| present != variable);
        variables.push((variable, number.to_string()));
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn what_is_said_goes_before_what_is_usual() {
        let check = |words: &str| {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            let chosen = chosen(&words).ok()?;
            let shown = chosen.iter().map(|(name, value)| format!("{name}={value}"));
            Some(shown.collect::<Vec<_>>().join(" "))
        };
        let usual = "CLAVIGER_TEST_KILLS=1000 CLAVIGER_TEST_FLIPS=500";
        assert_eq!(check(""), Some(usual.to_owned()));
        let other = "CLAVIGER_TEST_FLIPS=500 CLAVIGER_TEST_KILLS=9 CLAVIGER_TEST_SEED=4";
        assert_eq!(check("--kills 9 --seed 4"), Some(other.to_owned()));
        for wrong in ["--kills", "--kills many", "9"] {
            assert_eq!(check(wrong), None, "{wrong}");
        }
    }
}
