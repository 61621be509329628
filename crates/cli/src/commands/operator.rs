//! `claviger operator`: the users who run the instance.

use claviger_service::operators::{self, NewOperator};
use claviger_web::api::operators::Operator;
use serde_json::Value;

use crate::exit::{Exit, Failure};
use crate::screen::{Column, Screen, Shown};
use crate::secret_input;
use crate::store::{Store, StoreArguments, object};

const COLUMNS: [Column; 4] = [
    ("user_id", "user", Shown::Plain),
    ("email", "email", Shown::Plain),
    ("status", "status", Shown::Plain),
    ("created_at", "since", Shown::Time),
];

/// The users who run the instance
#[derive(clap::Args, Debug)]
pub(crate) struct OperatorArguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(subcommand)]
    command: OperatorCommand,
}

#[derive(clap::Subcommand, Debug)]
enum OperatorCommand {
    /// List operators
    List,
    /// Make a user an operator
    Add {
        /// The address
        email: String,
        /// Read a password from standard input; for an address that is new, and only then
        #[arg(long)]
        password_stdin: bool,
    },
}

/// Runs the command.
pub(crate) async fn run(arguments: OperatorArguments, screen: Screen) -> Result<Exit, Failure> {
    let OperatorArguments { store, command } = arguments;
    store
        .with(async |store| act(store, command, screen).await)
        .await
}

async fn act(store: &Store, command: OperatorCommand, screen: Screen) -> Result<Exit, Failure> {
    let access = store.caller.operator()?;
    match command {
        OperatorCommand::List => {
            let found = operators::list(&store.app, &access).await?;
            let rows: Result<Vec<Value>, Failure> = found
                .into_iter()
                .map(|operator| object(&Operator::from(operator)))
                .collect();
            screen.list(&COLUMNS, &rows?, "no operator yet")?;
        }
        OperatorCommand::Add {
            email,
            password_stdin,
        } => {
            let password = password_stdin
                .then(|| secret_input::read(screen, "password"))
                .transpose()?;
            let added =
                operators::add(&store.app, &access, NewOperator { email, password }, None).await?;
            screen.object(&COLUMNS, &object(&Operator::from(added))?)?;
        }
    }
    Ok(Exit::Done)
}
