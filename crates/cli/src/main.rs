//! The program: `claviger dev`, `claviger serve`, and commands on a store or a server.
//!
//! Law: argv, the environment and standard input are read here and nowhere below. A command asks a
//! use case and shows the answer; no rule lives here.

mod bar;
mod commands;
mod decider;
mod exit;
mod files;
mod hardening;
mod listeners;
mod log;
mod passwords;
mod screen;
mod secret_input;
mod server_client;
mod store;
mod variables;
mod when;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use zeroizing_alloc::ZeroAlloc;

use exit::{Exit, Failure};

/// What is given back is wiped: buffers of answers and requests hold secrets, and not all of them
/// are ours.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<mimalloc::MiMalloc> = ZeroAlloc(mimalloc::MiMalloc);

fn main() -> ExitCode {
    let arguments = commands::Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_start(hardening::step_back)
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(commands::run(arguments)),
        Err(error) => Err(Failure::new(
            Exit::Failed,
            format!("no threads can be started: {error}"),
        )),
    };
    log::finish();
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            // There is nobody left to tell that standard error is gone.
            let _ = writeln!(std::io::stderr().lock(), "{failure}");
            failure.exit.into()
        }
    }
}
