//! `claviger role`: what members of an account may do.

use claviger_service::roles::{self, RoleDraft};
use claviger_web::api::roles::Role;
use serde_json::Value;

use crate::exit::{Exit, Failure};
use crate::screen::{Column, Screen, Shown};
use crate::store::{Store, StoreArguments, object};

const COLUMNS: [Column; 5] = [
    ("id", "id", Shown::Plain),
    ("name", "name", Shown::Plain),
    ("permissions", "permissions", Shown::Plain),
    ("scopes", "scopes", Shown::Plain),
    ("built_in", "built in", Shown::Plain),
];

/// What members may do
#[derive(clap::Args, Debug)]
pub(crate) struct RoleArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The account's id or exact name; the only one when left out
    #[arg(long, global = true)]
    account: Option<String>,
    #[command(subcommand)]
    command: RoleCommand,
}

#[derive(clap::Subcommand, Debug)]
enum RoleCommand {
    /// List roles
    List,
    /// Make a role
    Create {
        /// Its name
        name: String,
        /// What it allows: settings, team, evidence, account
        #[arg(long = "permission", value_name = "PERMISSION")]
        permissions: Vec<String>,
        /// Which scopes its members' sessions have; a final * stands for any rest
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
    },
    /// Delete a role that nobody has
    Delete {
        /// Its id or name
        role: String,
    },
}

/// Runs the command.
pub(crate) async fn run(arguments: RoleArguments, screen: Screen) -> Result<Exit, Failure> {
    let RoleArguments {
        store,
        account,
        command,
    } = arguments;
    store
        .with(async |store| act(store, account.as_deref(), command, screen).await)
        .await
}

async fn act(
    store: &Store,
    account: Option<&str>,
    command: RoleCommand,
    screen: Screen,
) -> Result<Exit, Failure> {
    let access = store.caller.team_of(store.account(account).await?.id)?;
    let role = match command {
        RoleCommand::List => {
            let found = roles::list(&store.app, &access).await?;
            let rows: Result<Vec<Value>, Failure> = found
                .into_iter()
                .map(|role| object(&Role::from(role)))
                .collect();
            screen.list(&COLUMNS, &rows?, "no role")?;
            return Ok(Exit::Done);
        }
        RoleCommand::Create {
            name,
            permissions,
            scopes,
        } => {
            let draft = RoleDraft {
                name: Some(name),
                permissions: Some(permissions),
                scopes: Some(scopes),
            };
            roles::create(&store.app, &access, &draft, None).await?
        }
        RoleCommand::Delete { role } => {
            let role = roles::show(&store.app, &access, &role).await?;
            roles::delete(&store.app, &access, role.role).await?;
            screen.note("deleted");
            role
        }
    };
    screen.object(&COLUMNS, &object(&Role::from(role))?)?;
    Ok(Exit::Done)
}
