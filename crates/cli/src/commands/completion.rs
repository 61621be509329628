//! `claviger completion`: what a shell needs to complete commands.

use clap::CommandFactory;
use clap_complete::Shell;

use super::Arguments;
use crate::exit::{Exit, Failure};
use crate::screen::Screen;

/// Print completions for a shell
#[derive(clap::Args, Debug)]
pub(crate) struct CompletionArguments {
    /// bash, elvish, fish, powershell or zsh
    shell: Shell,
}

/// Runs the command.
pub(crate) fn run(arguments: &CompletionArguments, screen: Screen) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "claviger",
        &mut script,
    );
    screen.data(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Done)
}
