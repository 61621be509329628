//! The log: standard error, as text or as one JSON object a line.

use std::io::{self, IsTerminal};

use claviger_service::config::Log;
use tracing_subscriber::EnvFilter;

/// Starts the log. What is not ours speaks only when something is wrong.
pub(crate) fn start(log: &Log) {
    let filter = EnvFilter::new(format!("warn,claviger={}", log.level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
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
