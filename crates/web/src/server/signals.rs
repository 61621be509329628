use std::io;

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// A signal that asks the program to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM, from a supervisor.
    Terminate,
    /// SIGINT, from a terminal.
    Interrupt,
}

impl Signal {
    /// The signal's name, for the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        }
    }

    /// What a shell reports for a program that the signal ended: 128 and its number.
    pub fn exit_code(self) -> i32 {
        match self {
            Self::Terminate => 143,
            Self::Interrupt => 130,
        }
    }
}

/// Returns at the first SIGTERM or SIGINT; a second one exits the process at once.
///
/// # Errors
///
/// The operating system refused to install a handler.
pub async fn shutdown_signal() -> io::Result<Signal> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let first = next(&mut terminate, &mut interrupt).await;
    tokio::spawn(async move {
        let second = next(&mut terminate, &mut interrupt).await;
        tracing::warn!(
            signal = second.name(),
            "a second signal: exiting without draining"
        );
        std::process::exit(second.exit_code());
    });
    Ok(first)
}

async fn next(terminate: &mut Stream, interrupt: &mut Stream) -> Signal {
    tokio::select! {
        _ = terminate.recv() => Signal::Terminate,
        _ = interrupt.recv() => Signal::Interrupt,
    }
}
