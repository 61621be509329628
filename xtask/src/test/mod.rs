//! `cargo xtask test`: what the tests need, then the tests, then one line that counts them.

mod account;
mod apt;
pub(crate) mod foreign;
mod installed;
pub(crate) mod node;
mod postgres;
mod python;
mod server_binaries;
mod summary;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use self::postgres::Cluster;
use self::summary::Summary;
use crate::workspace;

/// Names the PostgreSQL server that the tests use: a URL without a database name. When it is set
/// already, that server is used and none is started.
const POSTGRES_VARIABLE: &str = "CLAVIGER_TEST_POSTGRES";

/// Options of `cargo test` that choose packages: with one of them the workspace is not added.
const PACKAGE_OPTIONS: &[&str] = &["-p", "--package", "--workspace", "--all", "--manifest-path"];

/// Options of `cargo test` that choose targets: with one of them the others are not added.
const TARGET_OPTIONS: &[&str] = &[
    "--all-targets",
    "--bench",
    "--benches",
    "--bin",
    "--bins",
    "--doc",
    "--example",
    "--examples",
    "--lib",
    "--test",
    "--tests",
];

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let (url, cluster) = database()?;
    let mut command = workspace::cargo();
    command
        .args(cargo_arguments(arguments))
        .env(POSTGRES_VARIABLE, url)
        .envs(foreign::prepare());
    let outcome = stream(command, &mut std::io::stdout());
    drop(cluster);
    let (summary, success) = outcome?;
    let summary = summary.with_exit(success);
    println!("{summary}");
    Ok(if summary.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The server named by the environment, or one of our own that lives as long as the value.
fn database() -> Result<(String, Option<Cluster>)> {
    if let Ok(url) = std::env::var(POSTGRES_VARIABLE) {
        eprintln!("xtask: using the PostgreSQL server of {POSTGRES_VARIABLE}");
        return Ok((url, None));
    }
    let cluster = Cluster::start()?;
    eprintln!("xtask: started {} at {}", cluster.version(), cluster.url());
    Ok((cluster.url(), Some(cluster)))
}

/// The arguments for cargo: the user's, and what they leave open.
fn cargo_arguments(arguments: &[String]) -> Vec<String> {
    let arguments = match arguments {
        [first, rest @ ..] if first == "--" => rest,
        all => all,
    };
    let ours = arguments
        .split(|argument| argument == "--")
        .next()
        .unwrap_or_default();
    let mut result = vec!["test".to_owned()];
    if !names_any(ours, PACKAGE_OPTIONS) {
        result.push("--workspace".to_owned());
    }
    if !names_any(ours, TARGET_OPTIONS) {
        result.push("--all-targets".to_owned());
    }
    // One broken test program must not hide what the others have to say.
    if !names_any(ours, &["--no-fail-fast"]) {
        result.push("--no-fail-fast".to_owned());
    }
    result.extend_from_slice(arguments);
    result
}

/// Whether one of the options is given, as `--option`, `--option=value` or `-ovalue`.
fn names_any(arguments: &[String], options: &[&str]) -> bool {
    let names = |argument: &str, option: &str| {
        let short = option.len() == 2;
        argument.strip_prefix(option).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('=') || (short && !argument.starts_with("--"))
        })
    };
    arguments
        .iter()
        .any(|argument| options.iter().any(|option| names(argument, option)))
}

/// Runs the command, passes its lines on as they come, and adds up the results among them.
fn stream(mut command: Command, screen: &mut impl Write) -> Result<(Summary, bool)> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let output = child.stdout.take().context("cargo has no output")?;
    let mut summary = Summary::default();
    let mut reader = BufReader::new(output);
    let mut line = Vec::new();
    while reader
        .read_until(b'\n', &mut line)
        .context("cannot read cargo's output")?
        > 0
    {
        screen
            .write_all(&line)
            .and_then(|()| screen.flush())
            .context("cannot print")?;
        summary.add_line(&String::from_utf8_lossy(&line));
        line.clear();
    }
    let status = child.wait().context("cannot wait for cargo")?;
    if !status.success() {
        eprintln!("xtask: cargo test failed ({status})");
    }
    Ok((summary, status.success()))
}

#[cfg(test)]
mod tests {
    use super::{cargo_arguments, stream};
    use std::process::Command;

    fn check(given: &str, expected: &str) {
        let given: Vec<String> = given.split_whitespace().map(str::to_owned).collect();
        assert_eq!(cargo_arguments(&given).join(" "), expected);
    }

    #[test]
    fn leaves_the_choice_of_packages_and_targets_to_the_user() {
        check("", "test --workspace --all-targets --no-fail-fast");
        check(
            "-- keys",
            "test --workspace --all-targets --no-fail-fast keys",
        );
        check("-- -p xtask", "test --all-targets --no-fail-fast -p xtask");
        check("-pxtask --lib", "test --no-fail-fast -pxtask --lib");
        check(
            "--package=xtask",
            "test --all-targets --no-fail-fast --package=xtask",
        );
        check(
            "--no-fail-fast",
            "test --workspace --all-targets --no-fail-fast",
        );
    }

    #[test]
    fn options_of_the_test_programs_choose_nothing() {
        check(
            "-- -- --test",
            "test --workspace --all-targets --no-fail-fast -- --test",
        );
    }

    #[test]
    fn adds_up_what_the_command_prints_and_keeps_its_exit() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 'test result: ok. 2 passed; 0 failed;'; exit 3"]);
        let mut screen = Vec::new();
        let (summary, success) = stream(command, &mut screen).unwrap();
        assert_eq!(screen, b"test result: ok. 2 passed; 0 failed;\n");
        assert_eq!((summary.passed, summary.failed, success), (2, 0, false));
    }
}
