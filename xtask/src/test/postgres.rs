//! A PostgreSQL server of our own for one run of the tests.
//!
//! 1. Make a fresh directory and, when we are root, give it to an unprivileged account.
//! 2. `initdb` a cluster in it that trusts every local connection and never waits for the disk.
//! 3. Start the server below a supervising shell that holds the read end of a pipe. When this
//!    program ends, in whatever way, the pipe closes; then the shell stops the server by its
//!    process id and removes the directory. So Ctrl-C, a failed test and a kill leave nothing.
//! 4. Wait until the server says in `postmaster.pid` that it is ready.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};

use super::account::Account;
use super::server_binaries::ServerBinaries;

const READY_DEADLINE: Duration = Duration::from_secs(60);
const READY_POLL: Duration = Duration::from_millis(20);

/// Another process can take the free port between our look and the server's start.
const START_ATTEMPTS: usize = 3;

/// Nothing in this cluster has to survive the machine; many tests connect at the same time.
const SETTINGS: &[&str] = &[
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=300",
    "listen_addresses=127.0.0.1",
];

/// `$1` is the directory, the rest the server's command line. The shell ignores the signals of a
/// terminal, since it has to outlive this program by a moment; the server sets its own handlers.
const SUPERVISOR: &str = r#"
trap "" INT TERM HUP
directory=$1
shift
"$@" >"$directory/server.log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -QUIT "$server" 2>/dev/null
wait "$server" 2>/dev/null
rm -rf "$directory"
"#;

/// A running server; dropping it stops the server and removes its directory.
pub(crate) struct Cluster {
    supervisor: Child,
    port: u16,
    version: String,
}

impl Cluster {
    /// Makes a cluster and waits until it takes connections.
    pub(crate) fn start() -> Result<Self> {
        let binaries = ServerBinaries::find_or_install()?;
        let account = Account::find()?;
        let mut attempt = 1;
        loop {
            match start_once(&binaries, &account) {
                Err(error) if attempt < START_ATTEMPTS => {
                    eprintln!("xtask: {error:#}\nxtask: trying once more");
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// The server's URL, without a database name.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}", self.port)
    }

    /// The server's name and version.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        // Nothing can be done about a supervisor that cannot be waited for.
        let _ = self.supervisor.wait();
    }
}

fn start_once(binaries: &ServerBinaries, account: &Account) -> Result<Cluster> {
    let directory = fresh_directory(account)?;
    let prepared = initialize(binaries, account, &directory).and_then(|()| free_port());
    let started = prepared.and_then(|port| {
        let supervisor = supervise(binaries, account, &directory, port)?;
        Ok(Cluster {
            supervisor,
            port,
            version: binaries.version.clone(),
        })
    });
    match started {
        Ok(cluster) => wait_until_ready(&directory).map(|()| cluster),
        Err(error) => {
            fs::remove_dir_all(&directory).context("cannot remove the cluster's directory")?;
            Err(error)
        }
    }
}

fn fresh_directory(account: &Account) -> Result<PathBuf> {
    let parent = match account {
        Account::Own => std::env::temp_dir(),
        // The other account may not be able to enter root's own temporary directory.
        Account::Other { .. } => PathBuf::from("/tmp"),
    };
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let name = format!(
        "claviger-test-{}-{}",
        std::process::id(),
        now.subsec_nanos()
    );
    let directory = parent.join(name);
    fs::create_dir(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    account.give(&directory)?;
    Ok(directory)
}

fn initialize(binaries: &ServerBinaries, account: &Account, directory: &Path) -> Result<()> {
    let mut words = account.prefix()?;
    words.push(binaries.directory.join("initdb").display().to_string());
    let output = Command::new(&words[0])
        .args(&words[1..])
        .arg("--pgdata")
        .arg(directory.join("cluster"))
        .args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
        ])
        .args(["--no-sync", "--no-instructions"])
        .env("LC_ALL", "C")
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .context("cannot start initdb")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("initdb failed ({}):\n{}", output.status, said.trim_end());
    }
    Ok(())
}

/// A port that nobody listens on right now.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot find a free port")?;
    Ok(listener
        .local_addr()
        .context("cannot find a free port")?
        .port())
}

fn supervise(
    binaries: &ServerBinaries,
    account: &Account,
    directory: &Path,
    port: u16,
) -> Result<Child> {
    let mut server = account.prefix()?;
    server.push(binaries.directory.join("postgres").display().to_string());
    server.extend([
        "-D".to_owned(),
        directory.join("cluster").display().to_string(),
    ]);
    server.extend(["-p".to_owned(), port.to_string()]);
    let sockets = format!("unix_socket_directories={}", directory.display());
    for setting in SETTINGS.iter().copied().chain([sockets.as_str()]) {
        server.extend(["-c".to_owned(), setting.to_owned()]);
    }
    Command::new("sh")
        .args(["-c", SUPERVISOR, "claviger-test-supervisor"])
        .arg(directory)
        .args(server)
        .env("LC_ALL", "C")
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start the server's supervisor")
}

/// Waits for the last line of `postmaster.pid` to say so, as `pg_ctl` does.
fn wait_until_ready(directory: &Path) -> Result<()> {
    let deadline = Instant::now() + READY_DEADLINE;
    loop {
        let status = fs::read_to_string(directory.join("cluster/postmaster.pid"));
        if status.is_ok_and(|text| says_ready(&text)) {
            return Ok(());
        }
        let log = fs::read_to_string(directory.join("server.log")).unwrap_or_default();
        // Nobody but the server can cause a fatal error before the tests connect.
        if log.contains("FATAL") || Instant::now() >= deadline {
            bail!(
                "the PostgreSQL server did not start; its log:\n{}",
                log.trim_end()
            );
        }
        std::thread::sleep(READY_POLL);
    }
}

/// The eighth line of `postmaster.pid` is the server's state.
fn says_ready(postmaster_pid: &str) -> bool {
    postmaster_pid
        .lines()
        .nth(7)
        .is_some_and(|state| state.trim() == "ready")
}

#[cfg(test)]
mod tests {
    use super::{SUPERVISOR, free_port, says_ready};
    use std::fs;
    use std::process::{Command, Stdio};

    #[test]
    fn reads_the_state_of_the_server() {
        let head = "17\n/x\n1790000000\n5432\n/x\n127.0.0.1\n  123  0\n";
        assert!(says_ready(&format!("{head}ready   \n")));
        assert!(!says_ready(&format!("{head}starting\n")));
        assert!(!says_ready(head));
    }

    #[test]
    fn finds_a_port() {
        assert_ne!(free_port().unwrap(), 0);
    }

    #[test]
    fn the_supervisor_removes_the_directory_when_its_input_ends() {
        let directory = std::env::temp_dir().join(format!("xtask-cluster-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let mut supervisor = Command::new("sh")
            .args(["-c", SUPERVISOR, "supervisor"])
            .arg(&directory)
            .arg("true")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        assert!(
            supervisor.try_wait().unwrap().is_none(),
            "it waits for its input to end"
        );
        drop(supervisor.stdin.take());
        supervisor.wait().unwrap();
        assert!(!directory.exists());
    }
}
