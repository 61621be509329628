//! `cargo xtask fuzz [TARGET] [SECONDS]`: libFuzzer on each target, from the corpus in the
//! repository. Coverage comes from compiler flags that a stable toolchain has too.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace;

/// How long a target is fuzzed when nobody says, in seconds.
const SECONDS_DEFAULT: u32 = 60;
/// The longest input that the fuzzer makes, in bytes.
const INPUT_BYTES_MAX: u32 = 16_384;

/// What has the compiler count which edges of the code an input reaches, as libFuzzer needs it.
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=16",
];

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let corpus = workspace::root().join("fuzz/corpus");
    let all = names(&corpus)?;
    let (targets, seconds) = chosen(arguments, &all)?;
    let directory = workspace::target()?.join("fuzz");
    let program = build(&directory)?;
    let mut found = 0;
    println!("target            runs  seconds  new inputs  result");
    for target in targets {
        let run = Run::of(target, &corpus, &directory)?;
        let (is_well, runs) = run.start(&program, seconds)?;
        let result = if is_well { "well" } else { "FOUND" };
        let fresh = names(&run.grown)?.len();
        println!("{target:<14}  {runs:>6}  {seconds:>7}  {fresh:>10}  {result}");
        if !is_well {
            found += 1;
            println!("  {}", run.log.display());
            println!("  the input is in {}; mend it and", run.findings.display());
            println!("  put it into fuzz/corpus/{target}, which the tests replay");
        }
    }
    Ok(if found == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The names in a directory, in order.
fn names(directory: &Path) -> Result<Vec<String>> {
    let read = fs::read_dir(directory);
    let entries = read.with_context(|| format!("cannot read {}", directory.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Which targets, and for how long each.
fn chosen<'a>(arguments: &'a [String], all: &'a [String]) -> Result<(Vec<&'a str>, u32)> {
    let (mut targets, mut seconds) = (Vec::new(), SECONDS_DEFAULT);
    for argument in arguments {
        if let Ok(number) = argument.parse() {
            seconds = number;
        } else if all.contains(argument) {
            targets.push(argument.as_str());
        } else {
            bail!("no target `{argument}`; there are {}", all.join(", "));
        }
    }
    if targets.is_empty() {
        targets = all.iter().map(String::as_str).collect();
    }
    Ok((targets, seconds))
}

/// Builds the fuzzer; where it is.
fn build(directory: &Path) -> Result<PathBuf> {
    let host = workspace::host()?;
    let status = workspace::cargo()
        .args(["build", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml"])
        // With a target of its own, what runs at build time is not instrumented.
        .args(["--target", &host, "--target-dir"])
        .arg(directory)
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"))
        .env_remove("RUSTFLAGS")
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "the fuzzer cannot be built");
    Ok(directory.join(host).join("release/claviger-fuzz"))
}

/// Where one target reads and writes.
struct Run<'a> {
    target: &'a str,
    seeds: PathBuf,
    grown: PathBuf,
    findings: PathBuf,
    log: PathBuf,
}

impl<'a> Run<'a> {
    fn of(target: &'a str, corpus: &Path, directory: &Path) -> Result<Self> {
        let run = Self {
            target,
            seeds: corpus.join(target),
            grown: directory.join("grown").join(target),
            findings: directory.join("found").join(target),
            log: directory.join(format!("{target}.log")),
        };
        for made in [&run.grown, &run.findings] {
            fs::create_dir_all(made).with_context(|| format!("cannot make {}", made.display()))?;
        }
        Ok(run)
    }

    /// Whether nothing was found, and in how many runs.
    fn start(&self, program: &Path, seconds: u32) -> Result<(bool, u64)> {
        let log = File::create(&self.log).context("cannot write a log")?;
        let status = Command::new(program)
            .args([&self.grown, &self.seeds])
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={INPUT_BYTES_MAX}"))
            .arg(format!("-artifact_prefix={}/", self.findings.display()))
            .args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"])
            .env("CLAVIGER_FUZZ_TARGET", self.target)
            .stderr(log)
            .status()
            .context("cannot start the fuzzer")?;
        let said = fs::read_to_string(&self.log).unwrap_or_default();
        Ok((status.success(), runs_in(&said)))
    }
}

/// The number of runs that libFuzzer tells at its end.
fn runs_in(log: &str) -> u64 {
    let mut lines = log.lines();
    let told = lines.find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    told.and_then(|number| number.trim().parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{SECONDS_DEFAULT, chosen, runs_in};

    #[test]
    fn targets_and_seconds_come_in_any_order() {
        let all = ["config".to_owned(), "key".to_owned()];
        let check = |words: &str| {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            let chosen = chosen(&words, &all);
            chosen
                .map(|(targets, seconds)| (targets.join(" "), seconds))
                .ok()
        };
        assert_eq!(check(""), Some(("config key".to_owned(), SECONDS_DEFAULT)));
        assert_eq!(check("key 5"), Some(("key".to_owned(), 5)));
        assert_eq!(check("5 key"), Some(("key".to_owned(), 5)));
        assert_eq!(check("keys"), None);
    }

    #[test]
    fn the_runs_are_read_from_the_log() {
        let log = "#2\tINITED\nstat::number_of_executed_units: 4711\nstat::x: 1\n";
        assert_eq!((runs_in(log), runs_in("==1== ERROR")), (4_711, 0));
    }
}
