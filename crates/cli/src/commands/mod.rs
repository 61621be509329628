//! The commands, one file a noun.

mod account;
mod api;
mod audit;
mod backup;
mod check;
mod client;
mod completion;
mod config;
mod dev;
mod grant;
mod import;
mod init;
mod key;
mod leaks;
mod legacy_key;
mod member;
mod operator;
mod restore;
mod role;
mod sandbox;
mod scope;
mod scope_use;
mod serve;
mod signing_key;
mod unseal;
mod usage;
mod verify;
mod webhook;
mod why;

use crate::exit::{Exit, Failure};
use crate::log;
use crate::screen::Screen;

/// The credential system of a company that offers an API
#[derive(clap::Parser, Debug)]
#[command(name = "claviger", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Print data as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Dev(dev::DevArguments),
    Serve(serve::ServeArguments),
    Init(init::InitArguments),
    Check(check::CheckArguments),
    Key(key::KeyArguments),
    Import(import::ImportArguments),
    Client(client::ClientArguments),
    Grant(grant::GrantArguments),
    LegacyKey(legacy_key::LegacyKeyArguments),
    Leaks(leaks::LeaksArguments),
    Account(account::AccountArguments),
    Member(member::MemberArguments),
    Role(role::RoleArguments),
    Sandbox(sandbox::SandboxArguments),
    Operator(operator::OperatorArguments),
    Api(api::ApiArguments),
    Scope(scope::ScopeArguments),
    SigningKey(signing_key::SigningKeyArguments),
    Verify(verify::VerifyArguments),
    Why(why::WhyArguments),
    Usage(usage::UsageArguments),
    Audit(audit::AuditArguments),
    Backup(backup::BackupArguments),
    Restore(restore::RestoreArguments),
    Unseal(unseal::UnsealArguments),
    Webhook(webhook::WebhookArguments),
    Config(config::ConfigArguments),
    Completion(completion::CompletionArguments),
}

/// Runs the command that the arguments name.
///
/// # Errors
/// What the command says.
pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let screen = Screen {
        is_json: arguments.json,
    };
    let is_server = matches!(arguments.command, Command::Serve(_) | Command::Dev(_));
    if !is_server {
        log::start_for_command();
    }
    match arguments.command {
        Command::Dev(arguments) => dev::run(arguments, screen).await,
        Command::Serve(arguments) => serve::run(arguments, screen).await,
        Command::Init(arguments) => init::run(arguments, screen).await,
        Command::Check(arguments) => check::run(arguments, screen).await,
        Command::Key(arguments) => key::run(arguments, screen).await,
        Command::Import(arguments) => import::run(arguments, screen).await,
        Command::Client(arguments) => client::run(arguments, screen).await,
        Command::Grant(arguments) => grant::run(arguments, screen).await,
        Command::LegacyKey(arguments) => legacy_key::run(arguments, screen).await,
        Command::Leaks(arguments) => leaks::run(arguments, screen).await,
        Command::Account(arguments) => account::run(arguments, screen).await,
        Command::Member(arguments) => member::run(arguments, screen).await,
        Command::Role(arguments) => role::run(arguments, screen).await,
        Command::Sandbox(arguments) => sandbox::run(arguments, screen).await,
        Command::Operator(arguments) => operator::run(arguments, screen).await,
        Command::Api(arguments) => api::run(arguments, screen).await,
        Command::Scope(arguments) => scope::run(arguments, screen).await,
        Command::SigningKey(arguments) => signing_key::run(arguments, screen).await,
        Command::Verify(arguments) => verify::run(arguments, screen).await,
        Command::Why(arguments) => why::run(arguments, screen).await,
        Command::Usage(arguments) => usage::run(arguments, screen).await,
        Command::Audit(arguments) => audit::run(arguments, screen).await,
        Command::Backup(arguments) => backup::run(arguments, screen).await,
        Command::Restore(arguments) => restore::run(arguments, screen).await,
        Command::Unseal(arguments) => unseal::run(arguments, screen).await,
        Command::Webhook(arguments) => webhook::run(arguments, screen).await,
        Command::Config(arguments) => config::run(&arguments, screen),
        Command::Completion(arguments) => completion::run(&arguments, screen),
    }
}
