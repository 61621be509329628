use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use claviger_web::server::shutdown_signal;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

#[test]
fn the_first_signal_is_reported_and_the_second_exits() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "signals::child", "--nocapture"])
        .env(IS_CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = Pid::from_child(&child);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut wait_for = |wanted: &str| lines.any(|line| line.unwrap().ends_with(wanted));
    assert!(wait_for("waiting"));
    kill_process(pid, Signal::TERM).unwrap();
    assert!(wait_for("got SIGTERM"));
    kill_process(pid, Signal::INT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(130), None));
}

const IS_CHILD: &str = "CLAVIGER_TEST_CHILD";

/// The child ends by itself, with success, if its signals do not come through.
const LIFE: Duration = Duration::from_secs(20);

/// What the other test starts as a process of its own.
#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "how the child knows that it is one"
)]
async fn child() {
    if std::env::var_os(IS_CHILD).is_none() {
        return;
    }
    let first = tokio::select! {
        biased;
        signal = shutdown_signal() => signal.unwrap(),
        () = async { println!("waiting"); sleep(LIFE).await } => return,
    };
    println!("got {}", first.name());
    sleep(LIFE).await;
}
