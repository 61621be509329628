//! Starting and ending what is measured.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A process that is ended with the value.
pub(crate) struct Process(Child);

/// The release build of `claviger dev`, on data of its own.
pub(crate) struct Claviger {
    pub(crate) process: Process,
    pub(crate) internal: SocketAddr,
    pub(crate) live_key: String,
    data: PathBuf,
}

/// The bare server.
pub(crate) struct Floor {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// User and system time so far, in seconds, from the operating system's accounting.
    pub(crate) fn processor_seconds(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // The command's name stands in parentheses and may hold spaces.
        let fields = stat.rsplit_once(')').context("/proc/stat")?.1;
        let ticks = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(str::parse::<f64>);
        let ticks: f64 = ticks.sum::<Result<f64, _>>()?;
        // USER_HZ has been 100 on every Linux for decades.
        Ok(ticks / 100.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Claviger {
    /// Starts it and waits until it says that it is ready.
    pub(crate) fn start() -> Result<Self> {
        let binary = std::env::current_exe()?.with_file_name("claviger");
        if !binary.exists() {
            bail!(
                "{} is missing: run this as `cargo xtask bench`",
                binary.display()
            );
        }
        let data = std::env::temp_dir().join(format!("claviger-bench-{}", std::process::id()));
        let mut child = Command::new(binary)
            .args([
                "dev",
                "--json",
                "--listen",
                "127.0.0.1:0",
                "--internal-listen",
                "127.0.0.1:0",
            ])
            .arg("--data")
            .arg(&data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let line = first_line(&mut child)?;
        let process = Process(child);
        let ready: Value = serde_json::from_str(&line).context("the ready line")?;
        let internal = ready["internal_url"].as_str().context("internal_url")?;
        let internal = internal.trim_start_matches("http://").parse()?;
        let live_key = ready["live_key"].as_str().context("live_key")?.to_owned();
        Ok(Self {
            process,
            internal,
            live_key,
            data,
        })
    }
}

impl Drop for Claviger {
    fn drop(&mut self) {
        let _ = self.process.0.kill();
        let _ = self.process.0.wait();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

impl Floor {
    /// Starts this program once more, as the bare server.
    pub(crate) fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("floor")
            .stdout(Stdio::piped())
            .spawn()?;
        let line = first_line(&mut child)?;
        Ok(Self {
            process: Process(child),
            address: line.trim().parse()?,
        })
    }
}

fn first_line(child: &mut Child) -> Result<String> {
    let mut line = String::new();
    let stdout = child.stdout.take().context("stdout")?;
    BufReader::new(stdout).read_line(&mut line)?;
    if line.is_empty() {
        bail!("it ended before it was ready");
    }
    Ok(line)
}
