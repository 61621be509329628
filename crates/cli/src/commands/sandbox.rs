//! `claviger sandbox`: the test environment of an account.

use claviger_service::sandbox;
use claviger_web::api::sandbox::SandboxReset;

use crate::exit::{Exit, Failure};
use crate::screen::{Screen, time};
use crate::store::{Store, StoreArguments, object};

/// The test environment of an account
#[derive(clap::Args, Debug)]
pub(crate) struct SandboxArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The account's id or exact name; the only one when left out
    #[arg(long, global = true)]
    account: Option<String>,
    #[command(subcommand)]
    command: SandboxCommand,
}

#[derive(clap::Subcommand, Debug)]
enum SandboxCommand {
    /// End the test environment's grants and tokens, forget its usage, and put the demo API's
    /// sandbox back; keys, clients and secrets stay
    Reset,
}

/// Runs the command.
pub(crate) async fn run(arguments: SandboxArguments, screen: Screen) -> Result<Exit, Failure> {
    let SandboxArguments {
        store,
        account,
        command: SandboxCommand::Reset,
    } = arguments;
    let act = async |store: &Store| {
        let account = store.account(account.as_deref()).await?;
        let access = store.caller.key_access_to(account.id)?;
        let done = sandbox::reset(&store.app, &access).await?;
        let next = sandbox::next_appointed(&store.app);
        if screen.is_json {
            screen.data(&object(&SandboxReset::of(&done, next))?.to_string())?;
            return Ok(Exit::Done);
        }
        screen.data(&format!(
            "{}: the test environment is reset; no node accepts a token of its {} test clients \
             that was issued before, and {} consents to test apps ended",
            account.name, done.clients, done.grants
        ))?;
        if let Some(next) = next {
            screen.note(&format!("the next reset is at {}", time(next)));
        }
        Ok(Exit::Done)
    };
    store.with(act).await
}
