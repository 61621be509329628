//! `claviger config`: what the configuration file can say.

use claviger_service::config::{example, reference_markdown};

use crate::exit::{Exit, Failure};
use crate::screen::Screen;

/// What the configuration file can say
#[derive(clap::Args, Debug)]
pub(crate) struct ConfigArguments {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(clap::Subcommand, Debug)]
enum ConfigCommand {
    /// Print every key with its default and meaning
    Reference {
        /// As the page of the guide, instead of a file with comments
        #[arg(long)]
        markdown: bool,
    },
}

/// Runs the command.
pub(crate) fn run(arguments: &ConfigArguments, screen: Screen) -> Result<Exit, Failure> {
    let ConfigCommand::Reference { markdown } = arguments.command;
    let text = if markdown {
        reference_markdown()
    } else {
        example()
    };
    screen.data(text.trim_end())?;
    Ok(Exit::Done)
}
