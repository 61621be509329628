//! `cargo xtask tidy`: the rules of the house that the compiler does not know.
//!
//! Each check is a function over a [`Tree`] that gives its violations; `CHECKS` lists them all. A
//! new rule is one file with one function, its line in the list, and a test that breaks it.

mod arrows;
mod banned_text;
mod foreign_text;
mod laws;
mod layers;
mod licences;
mod lockfile;
mod manifest;
mod markdown;
mod migrations;
mod names;
mod rust_text;
mod sizes;
mod tree;

use std::fmt;
use std::process::ExitCode;

use anyhow::Result;

use self::tree::Tree;
use crate::workspace;

const CHECKS: &[fn(&Tree) -> Vec<Violation>] = &[
    arrows::check,
    banned_text::check,
    foreign_text::check,
    laws::check,
    licences::check,
    lockfile::check,
    markdown::check,
    migrations::check,
    names::check,
    sizes::check,
];

/// A rule that is broken, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    path: String,
    line: usize,
    what: String,
}

impl Violation {
    fn new(path: impl Into<String>, line: usize, what: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line,
            what: what.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.what)
    }
}

pub(crate) fn run() -> Result<ExitCode> {
    let tree = Tree::read(&workspace::root())?;
    let mut violations: Vec<Violation> = CHECKS.iter().flat_map(|check| check(&tree)).collect();
    violations.sort();
    for violation in &violations {
        println!("{violation}");
    }
    println!(
        "tidy: {} files, {} violations",
        tree.files.len(),
        violations.len()
    );
    Ok(if violations.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The violations as `path:line` words, for the tests of the checks.
#[cfg(test)]
fn places(violations: &[Violation]) -> Vec<String> {
    violations
        .iter()
        .map(|found| format!("{}:{}", found.path, found.line))
        .collect()
}
