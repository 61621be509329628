//! Starting and ending what is measured.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal};
use serde_json::{Value, json};

use crate::load::{self, Client, Work};
use crate::population::Population;

/// A process that is ended with the value.
pub(crate) struct Process(Child);

/// A directory that is removed with the value.
pub(crate) struct Scratch(PathBuf);

/// `claviger dev`, built as this program is.
pub(crate) struct Claviger {
    pub(crate) process: Process,
    pub(crate) public: SocketAddr,
    pub(crate) internal: SocketAddr,
    pub(crate) secrets: Secrets,
    pub(crate) audience: String,
    /// Where its data is.
    pub(crate) path: PathBuf,
    /// Removes the data, where they are this server's alone.
    _scratch: Option<Scratch>,
}

/// What the first start on a directory shows once.
pub(crate) struct Secrets {
    pub(crate) live_key: String,
    pub(crate) client: Client,
    email: String,
    password: String,
}

/// The bare server.
pub(crate) struct Floor {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Process {
    pub(crate) fn new(child: Child) -> Self {
        Self(child)
    }

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

    /// Ends it by a signal, and waits until it has ended.
    pub(crate) fn end(&mut self, signal: Signal) -> Result<()> {
        rustix::process::kill_process(Pid::from_child(&self.0), signal)?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Scratch {
    /// A name that nobody else has, on the disk where everything is built.
    pub(crate) fn new() -> Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("scratch-{}-{count}", std::process::id());
        Ok(Self(directory()?.join(name)))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Where the benchmark keeps what it makes: beside what cargo builds.
pub(crate) fn directory() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("a target directory")?;
    let directory = target.join("bench-databases");
    std::fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// The program that is measured, beside this one.
pub(crate) fn program() -> Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("claviger");
    if !program.exists() {
        let program = program.display();
        bail!("{program} is missing: run this as `cargo xtask bench`");
    }
    Ok(program)
}

impl Claviger {
    /// Starts it on an empty directory and waits until it says that it is ready.
    pub(crate) fn start() -> Result<Self> {
        let scratch = Scratch::new()?;
        let (process, ready) = dev(scratch.path()).context("claviger dev")?;
        let path = scratch.path().to_owned();
        Self::of(process, (&ready, &ready), path, Some(scratch))
    }

    /// Starts it on a database that is there.
    pub(crate) fn start_on(population: &Population) -> Result<Self> {
        let (process, ready) = dev(&population.path).context("claviger dev")?;
        let path = population.path.clone();
        Self::of(process, (&ready, &population.first), path, None)
    }

    /// Starts it on a copy of a database that is there.
    pub(crate) fn start_on_copy(population: &Population) -> Result<Self> {
        let scratch = Scratch::new()?;
        std::fs::create_dir_all(scratch.path())?;
        for entry in std::fs::read_dir(&population.path)? {
            let entry = entry?;
            std::fs::copy(entry.path(), scratch.path().join(entry.file_name()))?;
        }
        let (process, ready) = dev(scratch.path()).context("claviger dev")?;
        let path = scratch.path().to_owned();
        Self::of(process, (&ready, &population.first), path, Some(scratch))
    }

    fn of(
        process: Process,
        (ready, first): (&Value, &Value),
        path: PathBuf,
        scratch: Option<Scratch>,
    ) -> Result<Self> {
        Ok(Self {
            process,
            public: address(ready, "/public_url")?,
            internal: address(ready, "/internal_url")?,
            secrets: Secrets {
                live_key: text(first, "/live_key")?,
                client: Client {
                    id: text(first, "/client/client_id")?,
                    secret: text(first, "/client/client_secret")?,
                },
                email: text(first, "/user/email")?,
                password: text(first, "/user/password")?,
            },
            audience: text(first, "/api/audience")?,
            path,
            _scratch: scratch,
        })
    }

    /// Ends it by a signal and starts it again on the same data.
    pub(crate) fn end_and_start(&mut self, signal: Signal) -> Result<()> {
        self.process.end(signal)?;
        let (process, ready) = dev(&self.path)?;
        self.process = process;
        self.public = address(&ready, "/public_url")?;
        self.internal = address(&ready, "/internal_url")?;
        Ok(())
    }

    /// A sign-in of its user.
    pub(crate) fn sign_in_work(&self) -> Work {
        let Secrets {
            email, password, ..
        } = &self.secrets;
        let body = json!({"email": email, "password": password}).to_string();
        Work::post("/v1/sessions", &body, "").made()
    }

    /// The token of a new session of its user.
    pub(crate) async fn sign_in(&self) -> Result<String> {
        let answer = load::once(self.public, &self.sign_in_work()).await?;
        text(&serde_json::from_str(&answer)?, "/session_token")
    }

    /// The issue of one more key of the user's account, by whoever has this session.
    pub(crate) fn key_work(session_token: &str) -> Work {
        let body = json!({
            "name": "Reporting Script",
            "scopes": ["read:leads", "write:leads"],
        });
        Work::post_as("/api/keys", session_token, &body.to_string())
    }
}

/// `claviger dev` on a directory, and what it says when it is ready.
pub(crate) fn dev(data: &Path) -> Result<(Process, Value)> {
    let mut child = Command::new(program()?)
        .args(["dev", "--json"])
        .args(["--listen", "127.0.0.1:0"])
        .args(["--internal-listen", "127.0.0.1:0"])
        .arg("--data")
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let line = first_line(&mut child, "")?;
    let ready = serde_json::from_str(&line).context("the ready line")?;
    Ok((Process(child), ready))
}

impl Floor {
    /// Starts this program once more, as the bare server.
    pub(crate) fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("floor")
            .stdout(Stdio::piped())
            .spawn()?;
        let line = first_line(&mut child, "").context("the floor")?;
        Ok(Self {
            process: Process(child),
            address: line.trim().parse()?,
        })
    }
}

/// The first line that begins so.
pub(crate) fn first_line(child: &mut Child, beginning: &str) -> Result<String> {
    let stdout = child.stdout.take().context("stdout")?;
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        if line.starts_with(beginning) {
            return Ok(line);
        }
    }
    bail!("it ended before it was ready")
}

/// A member that is text.
pub(crate) fn text(value: &Value, pointer: &str) -> Result<String> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.map(str::to_owned).with_context(|| pointer.to_owned())
}

fn address(ready: &Value, pointer: &str) -> Result<SocketAddr> {
    let url = text(ready, pointer)?;
    let address = url.trim_start_matches("http://").parse();
    address.with_context(|| pointer.to_owned())
}
