//! Running the binary: commands that end, and servers that go on.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::directory::Directory;

const BINARY: &str = env!("CARGO_BIN_EXE_claviger");
const TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// What it printed, when it ended well.
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout.trim_end().to_owned()
    }

    /// The same as JSON.
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.done()).unwrap()
    }
}

/// Runs a command to its end.
pub(crate) fn run(arguments: &[&str]) -> impl Future<Output = Ran> + use<> {
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    async move {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        run_with(&arguments, "", &[]).await
    }
}

/// Runs a command, started by the program `before` with its arguments.
pub(crate) async fn run_inside(before: &[String], arguments: &[&str]) -> Ran {
    ended(command_inside(before, arguments), "").await
}

/// Runs a command with standard input and variables.
pub(crate) async fn run_with(arguments: &[&str], stdin: &str, variables: &[(&str, &str)]) -> Ran {
    let mut command = command(arguments);
    command.envs(variables.iter().copied());
    ended(command, stdin).await
}

async fn ended(mut command: Command, stdin: &str) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // A command that reads nothing may have ended before.
    let _ = input.write_all(stdin.as_bytes()).await;
    drop(input);
    let output = tokio::time::timeout(TIMEOUT, child.wait_with_output());
    let output = output.await.expect("the command ends").unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn command(arguments: &[&str]) -> Command {
    command_inside(&[], arguments)
}

/// The command, started by the program `before` with its arguments.
fn command_inside(before: &[String], arguments: &[&str]) -> Command {
    let mut words = before.iter().map(String::as_str).chain([BINARY]);
    let mut command = Command::new(words.next().unwrap());
    command
        .args(words)
        .args(arguments)
        .env_remove("CLAVIGER_URL")
        .env_remove("CLAVIGER_TOKEN");
    command.kill_on_drop(true);
    command
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    /// What stands in its line.
    pub(crate) ready: Value,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr_file: String,
}

impl Server {
    /// `claviger dev --json` on a directory `data` of `directory`.
    pub(crate) async fn dev(directory: &Directory) -> Self {
        Self::dev_with(directory, &[]).await
    }

    /// The same with more arguments.
    pub(crate) async fn dev_with(directory: &Directory, more: &[&str]) -> Self {
        Self::dev_at(directory, "127.0.0.1:0", more).await
    }

    /// The same at this address.
    pub(crate) async fn dev_at(directory: &Directory, listen: &str, more: &[&str]) -> Self {
        Self::dev_inside(directory, &[], &[&["--listen", listen], more].concat()).await
    }

    /// The same, started by the program `before` with its arguments.
    pub(crate) async fn dev_inside(
        directory: &Directory,
        before: &[String],
        more: &[&str],
    ) -> Self {
        let data = directory.path("data");
        let mut arguments = vec!["dev", "--json", "--data", &data];
        arguments.extend(["--internal-listen", "127.0.0.1:0"]);
        arguments.extend(more);
        let mut server = Self::spawn_child(directory, command_inside(before, &arguments));
        let line = server.next_line().await;
        server.ready = serde_json::from_str(&line).unwrap();
        server
    }

    /// `claviger serve`; its ready line comes on standard error.
    pub(crate) async fn serve(directory: &Directory, config: &str) -> Self {
        Self::serve_with(directory, config, &[]).await
    }

    /// The same with variables.
    pub(crate) async fn serve_with(
        directory: &Directory,
        config: &str,
        variables: &[(&str, &str)],
    ) -> Self {
        let mut server = Self::spawn_with(directory, &["serve", "--config", config], variables);
        let line = until(async || {
            let stderr = server.stderr();
            assert!(
                server.child.try_wait().unwrap().is_none(),
                "not ready: {stderr}"
            );
            stderr
                .lines()
                .find(|line| line.starts_with("ready "))
                .map(str::to_owned)
        });
        let line = line.await;
        let members = line.split(' ').filter_map(|member| member.split_once('='));
        server.ready = members
            .map(|(name, value)| (name.to_owned(), Value::from(value)))
            .collect();
        server
    }

    /// Starts a server and waits for nothing.
    pub(crate) fn spawn(directory: &Directory, arguments: &[&str]) -> Self {
        Self::spawn_with(directory, arguments, &[])
    }

    fn spawn_with(directory: &Directory, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = command(arguments);
        command.envs(variables.iter().copied());
        Self::spawn_child(directory, command)
    }

    fn spawn_child(directory: &Directory, mut command: Command) -> Self {
        let count = std::fs::read_dir(directory.root()).unwrap().count();
        let stderr_file = directory.path(&format!("stderr.{count}"));
        let stderr = std::fs::File::create(&stderr_file).unwrap();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            ready: Value::Null,
            stdout,
            stderr_file,
        }
    }

    /// A member of the ready line, such as `/api/demo_url`.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        let value = self.ready.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("no {pointer} in {}", self.ready))
    }

    /// A URL of the public listener.
    pub(crate) fn public(&self, path: &str) -> String {
        format!("{}{path}", self.text("/public_url"))
    }

    /// A URL of the internal listener.
    pub(crate) fn internal(&self, path: &str) -> String {
        format!("{}{path}", self.text("/internal_url"))
    }

    /// The next line of standard output.
    pub(crate) async fn next_line(&mut self) -> String {
        let line = tokio::time::timeout(TIMEOUT, self.stdout.next_line()).await;
        let line = line.expect("a line in time").unwrap();
        line.unwrap_or_else(|| panic!("it ended: {}", self.stderr()))
    }

    /// Waits for the line of `claviger dev --json`; whether there was one before it ended.
    pub(crate) async fn is_ready(&mut self) -> bool {
        let line = tokio::time::timeout(TIMEOUT, self.stdout.next_line()).await;
        match line.expect("a line, or its end, in time").unwrap() {
            Some(line) => {
                self.ready = serde_json::from_str(&line).unwrap();
                true
            }
            None => false,
        }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        std::fs::read_to_string(&self.stderr_file).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Waits for its end; what else stood on standard output.
    pub(crate) async fn ended(&mut self) -> (ExitStatus, String) {
        let status = tokio::time::timeout(TIMEOUT, self.child.wait()).await;
        let status = status.expect("the server ends").unwrap();
        let mut rest = String::new();
        self.stdout
            .get_mut()
            .read_to_string(&mut rest)
            .await
            .unwrap();
        (status, rest)
    }

    /// Ends it as a supervisor does; everything that it wrote.
    pub(crate) async fn stop(mut self) -> String {
        self.signal(Signal::TERM);
        let (status, rest) = self.ended().await;
        assert!(status.success(), "{status}: {}", self.stderr());
        rest + &self.stderr()
    }

    /// Ends it as a power failure does.
    pub(crate) async fn kill(mut self) {
        self.signal(Signal::KILL);
        self.ended().await;
    }
}

/// The first answer of `look` that is one, asked again and again until a deadline.
pub(crate) async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(TIMEOUT, looking)
        .await
        .expect("in time")
}

/// Whether a path is there.
pub(crate) fn exists(path: &str) -> Option<()> {
    Path::new(path).exists().then_some(())
}
