//! `cargo xtask pages`: every page of the portal in every state, in a real browser.
//!
//! `cargo xtask test` does each page once; this is the full product, for whoever changes pages.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::test::foreign::{self, Browser};
use crate::workspace;

const USAGE: &str = "\
usage: cargo xtask pages [--once] [PATTERN]

PATTERN  a regular expression of pages and states, such as `^keys: ` or `bad input`
--once   each page in one state only";

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let options = arguments
        .iter()
        .filter(|argument| argument.starts_with('-'));
    let mut patterns = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-'));
    let only = patterns.next().map(String::as_str);
    if options.clone().any(|option| option != "--once") || patterns.next().is_some() {
        eprintln!("{USAGE}");
        return Ok(ExitCode::from(2));
    }
    let is_every = options.count() == 0;
    let browser = foreign::browser()?;
    let server = Server::start(&build()?)?;
    let facts = server.facts(&browser, only, is_every)?;
    let mut check = Command::new(&browser.node)
        .arg(workspace::root().join("e2e/portal/check.mjs"))
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot start node")?;
    let input = check.stdin.take().context("the input of node")?;
    (&input).write_all(facts.as_bytes())?;
    drop(input);
    let status = check.wait()?;
    println!("screenshots: {}", screenshots().display());
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Builds the program; where it is.
fn build() -> Result<PathBuf> {
    let built = workspace::cargo()
        .args(["build", "--package", "claviger"])
        .status()
        .context("cannot start cargo")?;
    ensure!(built.success(), "the program does not build");
    // Cargo builds it beside this one.
    let own = std::env::current_exe().context("cannot tell where this program is")?;
    Ok(own.with_file_name("claviger"))
}

fn screenshots() -> PathBuf {
    let tools = workspace::tools().unwrap_or_default();
    tools.with_file_name("screenshots")
}

/// `claviger dev` on data of its own, gone with the value.
struct Server {
    child: Child,
    data: PathBuf,
    /// Its line of JSON.
    ready: String,
}

impl Server {
    fn start(program: &Path) -> Result<Self> {
        let data = std::env::temp_dir().join(format!("claviger-pages-{}", std::process::id()));
        let mut child = Command::new(program)
            .args(["dev", "--json", "--listen", "127.0.0.1:0"])
            .args(["--internal-listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let stdout = child.stdout.take().context("the output of the server")?;
        let mut ready = String::new();
        BufReader::new(stdout).read_line(&mut ready)?;
        let server = Self { child, data, ready };
        if server.ready.is_empty() {
            bail!("the server ended before it was ready");
        }
        Ok(server)
    }

    /// What the program that checks has to know, as a JSON object.
    fn facts(&self, browser: &Browser, only: Option<&str>, is_every: bool) -> Result<String> {
        let ready: serde_json::Value = serde_json::from_str(&self.ready)?;
        let facts = serde_json::json!({
            "base": ready["public_url"],
            "session": ready["session_token"],
            "chromium": browser.chromium,
            "screenshots": screenshots(),
            "only": only,
            "every": is_every,
        });
        Ok(facts.to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}
