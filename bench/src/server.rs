//! Starting and ending what is measured.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::load::Client;

/// A process that is ended with the value.
pub(crate) struct Process(Child);

/// The release build of `claviger dev`, on data of its own.
pub(crate) struct Claviger {
    pub(crate) process: Process,
    pub(crate) public: SocketAddr,
    pub(crate) internal: SocketAddr,
    pub(crate) live_key: String,
    pub(crate) session_token: String,
    pub(crate) client: Client,
    pub(crate) audience: String,
    data: PathBuf,
}

/// Another server of tokens.
pub(crate) struct Rival {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
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
        let (process, ready) = dev(&binary, &data)?;
        let text = |pointer: &str| {
            let value = ready.pointer(pointer).and_then(Value::as_str);
            value.map(str::to_owned).context(pointer.to_owned())
        };
        let address = |pointer: &str| {
            let address = text(pointer)?.trim_start_matches("http://").parse();
            address.with_context(|| pointer.to_owned())
        };
        Ok(Self {
            process,
            public: address("/public_url")?,
            internal: address("/internal_url")?,
            live_key: text("/live_key")?,
            session_token: text("/session_token")?,
            client: Client {
                id: text("/client/client_id")?,
                secret: text("/client/client_secret")?,
            },
            audience: text("/api/audience")?,
            data,
        })
    }
}

impl Claviger {
    /// Ends it by a signal, starts it again on the same data, and signs in as before.
    pub(crate) fn end_and_start(&mut self, signal: Signal) -> Result<()> {
        let pid = Pid::from_child(&self.process.0);
        rustix::process::kill_process(pid, signal)?;
        self.process.0.wait()?;
        let binary = std::env::current_exe()?.with_file_name("claviger");
        let (process, ready) = dev(&binary, &self.data)?;
        self.process = process;
        let address = |pointer: &str| {
            let url = ready.pointer(pointer).and_then(Value::as_str);
            let address = url
                .context("an address")?
                .trim_start_matches("http://")
                .parse();
            address.with_context(|| pointer.to_owned())
        };
        self.public = address("/public_url")?;
        self.internal = address("/internal_url")?;
        Ok(())
    }
}

/// `claviger dev` on a directory, and what it says when it is ready.
fn dev(binary: &Path, data: &Path) -> Result<(Process, Value)> {
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
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let line = first_line(&mut child)?;
    let ready = serde_json::from_str(&line).context("the ready line")?;
    Ok((Process(child), ready))
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

impl Rival {
    /// Starts the rival in this Node, beside whose packages its program is.
    pub(crate) fn start(node: &OsStr) -> Result<Self> {
        let mut child = Command::new(node)
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/rivals/oidc_provider.mjs"
            ))
            .env("NODE_ENV", "production")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let line = first_line_with(&mut child, "{")?;
        let ready: Value = serde_json::from_str(&line).context("the rival's line")?;
        let text = |member: &str| {
            ready[member]
                .as_str()
                .map(str::to_owned)
                .context("a member")
        };
        Ok(Self {
            address: text("address")?.parse()?,
            client: Client {
                id: text("client_id")?,
                secret: text("client_secret")?,
            },
            process: Process(child),
        })
    }
}

fn first_line(child: &mut Child) -> Result<String> {
    first_line_with(child, "")
}

/// The first line that begins so.
fn first_line_with(child: &mut Child, beginning: &str) -> Result<String> {
    let stdout = child.stdout.take().context("stdout")?;
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        if line.starts_with(beginning) {
            return Ok(line);
        }
    }
    bail!("it ended before it was ready")
}
