//! `claviger scope`: what the APIs of the instance offer to credentials.

use claviger_service::scopes::{self, OfferedScope};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};
use crate::screen::{Column, Screen, Shown};
use crate::store::StoreArguments;

const COLUMNS: [Column; 5] = [
    ("name", "name", Shown::Plain),
    ("description", "description", Shown::Plain),
    ("environments", "environments", Shown::Plain),
    ("sensitive", "sensitive", Shown::Plain),
    ("audiences", "apis", Shown::Plain),
];

/// What credentials may be given
#[derive(clap::Args, Debug)]
pub(crate) struct ScopeArguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(subcommand)]
    command: ScopeCommand,
}

#[derive(clap::Subcommand, Debug)]
enum ScopeCommand {
    /// List the scopes of every API
    List,
}

/// Runs the command.
pub(crate) async fn run(arguments: ScopeArguments, screen: Screen) -> Result<Exit, Failure> {
    let ScopeArguments {
        store,
        command: ScopeCommand::List,
    } = arguments;
    let list = async |store: &crate::store::Store| {
        store.load_apis().await?;
        let rows: Vec<Value> = scopes::list(&store.app).iter().map(shown).collect();
        screen.list(&COLUMNS, &rows, "no API offers a scope yet")?;
        Ok(Exit::Done)
    };
    store.with(list).await
}

fn shown(scope: &OfferedScope) -> Value {
    json!({
        "name": scope.name,
        "description": scope.description,
        "sensitive": scope.sensitive,
        "implies_all": scope.implies_all,
        "environments": scope.environments,
        "audiences": scope.audiences,
    })
}
