//! The server that is flooded, with time limits and a cap that a test can reach.

use std::fmt;

use serde_json::Value;

use crate::directory::Directory;
use crate::program::Server;

/// The smallest cap that may be configured.
pub(super) const CONNECTIONS_MAX: usize = 1_000;

/// A server of `claviger serve` on what `claviger dev` has made.
pub(super) struct Target {
    pub(super) server: Server,
    /// A key that is good.
    pub(super) key: String,
    /// The session of an admin.
    pub(super) session: String,
    /// The e-mail address and password of that admin.
    pub(super) person: Value,
    /// Where the public listener is.
    pub(super) public: String,
    /// Where the internal listener is.
    pub(super) internal: String,
    _directory: Directory,
}

impl Target {
    pub(super) async fn start() -> Self {
        let directory = Directory::new();
        let made = Server::dev(&directory).await;
        let key = made.text("/live_key").to_owned();
        let session = made.text("/session_token").to_owned();
        let person = made.ready["user"].clone();
        made.stop().await;
        let config = format!(
            "[server]\npublic_listen = \"127.0.0.1:0\"\ninternal_listen = \"127.0.0.1:0\"\n\
             connections_max = {CONNECTIONS_MAX}\nheader_timeout_seconds = 1\n\
             [database]\ndata_dir = \"{data}\"\n[master_key]\nfile = \"{data}/master.key\"\n",
            data = directory.path("data"),
        );
        let config = directory.write("claviger.toml", &config);
        let server = Server::serve(&directory, &config).await;
        Self {
            key,
            session,
            person,
            public: server.text("/public_listen").to_owned(),
            internal: server.text("/internal_listen").to_owned(),
            server,
            _directory: directory,
        }
    }

    pub(super) fn memory(&self) -> Memory {
        Memory::of(self.server.pid())
    }
}

/// Resident memory of a process, in KiB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    /// What it has now.
    pub(super) now: u64,
    /// The most that it ever had.
    pub(super) peak: u64,
}

impl Memory {
    fn of(pid: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        Self {
            now: member(&status, "VmRSS:"),
            peak: member(&status, "VmHWM:"),
        }
    }

    /// Fails the test when the process has more than `mebibytes` above `before`, or ever had.
    pub(super) fn grew_at_most(self, mebibytes: u64, before: Self) {
        let most = before.peak + mebibytes * 1_024;
        assert!(
            self.peak <= most,
            "{before} before, {self} after, {most} KiB at most"
        );
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB (peak {})", self.now, self.peak)
    }
}

/// A number in a file of lines with names.
fn member(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.unwrap().split_whitespace().next().unwrap();
    number.parse().unwrap()
}
