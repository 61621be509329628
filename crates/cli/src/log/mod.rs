//! The log: standard error, as text or as one JSON object a line.

mod gathered;

use std::io::{self, IsTerminal, Stderr};
use std::sync::OnceLock;
use std::time::Duration;

use claviger_service::config::Log;
use tracing_subscriber::EnvFilter;

use gathered::Gathered;

/// How long whoever reads the log is waited for at the end.
const ENDING: Duration = Duration::from_secs(1);

static LOG: OnceLock<Gathered<Stderr>> = OnceLock::new();

/// Starts the log. What is not ours speaks only when something is wrong.
pub(crate) fn start(log: &Log) {
    let filter = EnvFilter::new(format!("warn,claviger={}", log.level));
    let lines = LOG.get_or_init(|| Gathered::of(io::stderr()));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(lines.clone())
        .with_ansi(io::stderr().is_terminal());
    // A second start changes nothing: there is one log.
    let _ = if log.is_json {
        builder.json().try_init()
    } else {
        builder.try_init()
    };
}

/// Starts the log of a command, which is silent unless something is wrong.
pub(crate) fn start_for_command() {
    start(&Log {
        is_json: false,
        level: "warn".to_owned(),
    });
}

/// Writes what is gathered: the program ends.
pub(crate) fn finish() {
    if let Some(lines) = LOG.get() {
        lines.finish_within(ENDING);
    }
}
