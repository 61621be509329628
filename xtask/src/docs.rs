//! `cargo xtask docs`: the pages of the guide that the program itself writes.

use std::fs;
use std::path::Path;
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace;

/// A page of the guide and the arguments of `claviger` that print it.
struct Page {
    path: &'static str,
    arguments: &'static [&'static str],
}

const PAGES: &[Page] = &[Page {
    path: "docs/guide/reference/configuration.md",
    arguments: &["config", "reference", "--markdown"],
}];

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let check = match arguments {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => bail!("usage: cargo xtask docs [--check]"),
    };
    let mut stale = 0;
    for page in PAGES {
        let text = printed(page)?;
        let path = workspace::root().join(page.path);
        if check {
            if !is_current(&path, &text) {
                stale += 1;
                println!(
                    "{}:1: not what the program prints; run `cargo xtask docs`",
                    page.path
                );
            }
        } else {
            write(&path, &text)?;
            println!("wrote {}", page.path);
        }
    }
    Ok(if stale == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What the program prints for the page.
fn printed(page: &Page) -> Result<String> {
    let output = workspace::cargo()
        .args(["run", "--quiet", "--package", "claviger", "--"])
        .args(page.arguments)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    ensure!(
        output.status.success(),
        "`claviger {}` failed",
        page.arguments.join(" ")
    );
    let text = String::from_utf8(output.stdout).context("the page is not UTF-8")?;
    ensure!(
        !text.trim().is_empty(),
        "`claviger {}` printed nothing",
        page.arguments.join(" ")
    );
    Ok(text)
}

fn is_current(path: &Path, text: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|found| found == text)
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{is_current, write};

    #[test]
    fn a_page_is_current_only_when_it_is_what_the_program_prints() {
        let directory = std::env::temp_dir().join(format!("xtask-docs-{}", std::process::id()));
        let path = directory.join("reference/page.md");
        assert!(!is_current(&path, "a\n"));
        write(&path, "a\n").unwrap();
        assert!(is_current(&path, "a\n"));
        assert!(!is_current(&path, "b\n"));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
