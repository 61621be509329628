//! `claviger leaks`: credentials that others can read.

use claviger_service::leaks::{self, Reporter, Verdict};
use serde_json::json;

use crate::exit::{Exit, Failure};
use crate::screen::Screen;
use crate::secret_input;
use crate::server_client::{Question, Server};
use crate::store::{Store, StoreArguments};
use crate::variables::variable;

/// Credentials that others can read
#[derive(clap::Args, Debug)]
pub(crate) struct LeaksArguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(subcommand)]
    command: LeaksCommand,
}

#[derive(clap::Subcommand, Debug)]
enum LeaksCommand {
    /// Report the credential on standard input, so that it is ended
    Report {
        /// The public listener of a server, instead of the store [env: `CLAVIGER_URL`]
        #[arg(long, value_name = "URL", conflicts_with_all = ["data", "config"])]
        url: Option<String>,
    },
    /// Print a regular expression by which scanners find credentials of this instance
    Pattern,
}

/// Runs the command.
pub(crate) async fn run(arguments: LeaksArguments, screen: Screen) -> Result<Exit, Failure> {
    let LeaksArguments { store, command } = arguments;
    let LeaksCommand::Report { url } = command else {
        let pattern = leaks::pattern(&store.configuration()?.settings());
        if screen.is_json {
            screen.data(&json!({ "pattern": pattern }).to_string())?;
        } else {
            screen.data(&pattern)?;
        }
        return Ok(Exit::Done);
    };
    let url = url.or_else(|| variable("CLAVIGER_URL").filter(|_| store.is_default()));
    let credential = secret_input::read(screen, "credential")?;
    let Some(url) = url else {
        return store
            .with(async |store| in_store(store, &credential, screen).await)
            .await;
    };
    let body = json!({ "credential": *credential });
    let question = Question {
        method: "POST",
        target: "/v1/leaks",
        secret: None,
        body: Some(&body),
    };
    Server::parse(&url)?.ask(&question).await?;
    screen.done("reported: if it was a live credential, it is treated as leaked from now on")?;
    Ok(Exit::Done)
}

/// Whoever is at the machine may know what it was.
async fn in_store(store: &Store, credential: &str, screen: Screen) -> Result<Exit, Failure> {
    store.load().await?;
    let reporter = Reporter::by_possession(None, None);
    match leaks::report(&store.app, credential, &reporter).await? {
        Verdict::Ours => {
            screen.done("reported: it is a credential of this instance, and treated as leaked")?;
            Ok(Exit::Done)
        }
        Verdict::Unknown => Err(Failure::new(
            Exit::NotFound,
            "this is no credential of this instance",
        )),
    }
}
