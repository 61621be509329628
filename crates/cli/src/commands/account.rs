//! `claviger account`: the operator's customers.

use claviger_service::accounts::{self, AccountEdit};
use claviger_service::tokens;
use claviger_web::api::accounts::Account;
use serde_json::Value;

use crate::exit::{Exit, Failure};
use crate::screen::{Column, Screen, Shown};
use crate::store::{Store, StoreArguments, object};

const COLUMNS: [Column; 4] = [
    ("id", "id", Shown::Plain),
    ("name", "name", Shown::Plain),
    ("status", "status", Shown::Plain),
    ("created_at", "created", Shown::Time),
];

/// Customers, whose keys these are
#[derive(clap::Args, Debug)]
pub(crate) struct AccountArguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(subcommand)]
    command: AccountCommand,
}

#[derive(clap::Subcommand, Debug)]
enum AccountCommand {
    /// List accounts
    List,
    /// Make an account
    Create {
        /// Its name
        name: String,
    },
    /// Show an account
    Show {
        /// Its id or exact name
        account: String,
    },
    /// Stop every credential of an account from working
    Suspend {
        /// Its id or exact name
        account: String,
    },
    /// Let the credentials of an account work again
    Activate {
        /// Its id or exact name
        account: String,
    },
    /// End every access token of an account's clients: when this ends, no node accepts one from
    /// before
    RevokeTokens {
        /// Its id or exact name
        account: String,
    },
    /// Give an account another name
    Rename {
        /// Its id or exact name
        account: String,
        /// The new name
        name: String,
    },
}

/// Runs the command.
pub(crate) async fn run(arguments: AccountArguments, screen: Screen) -> Result<Exit, Failure> {
    let AccountArguments { store, command } = arguments;
    store
        .with(async |store| act(store, command, screen).await)
        .await
}

async fn act(store: &Store, command: AccountCommand, screen: Screen) -> Result<Exit, Failure> {
    let access = store.caller.operator()?;
    let account = match command {
        AccountCommand::List => {
            let found = store.accounts().await?;
            let rows: Result<Vec<Value>, Failure> = found
                .into_iter()
                .map(|account| object(&Account::from(account)))
                .collect();
            screen.list(&COLUMNS, &rows?, "no account yet")?;
            return Ok(Exit::Done);
        }
        AccountCommand::Create { name } => {
            accounts::create(&store.app, &access, &name, None).await?
        }
        AccountCommand::Show { account } => store.account(Some(&account)).await?,
        AccountCommand::Suspend { account } => edit(store, &account, None, "suspended").await?,
        AccountCommand::Activate { account } => edit(store, &account, None, "active").await?,
        AccountCommand::RevokeTokens { account } => {
            let account = store.account(Some(&account)).await?;
            let access = store.caller.key_access_to(account.id)?;
            tokens::end_of_account(&store.app, &access).await?;
            screen.done(&format!(
                "ended the tokens of {} ({}): no node accepts one from before any more",
                account.id, account.name
            ))?;
            return Ok(Exit::Done);
        }
        AccountCommand::Rename { account, name } => edit(store, &account, Some(name), "").await?,
    };
    screen.object(&COLUMNS, &object(&Account::from(account))?)?;
    Ok(Exit::Done)
}

/// Changes the name, or without one the status.
async fn edit(
    store: &Store,
    account: &str,
    name: Option<String>,
    status: &str,
) -> Result<claviger_model::accounts::Account, Failure> {
    let id = store.account(Some(account)).await?.id;
    let status = name.is_none().then(|| status.to_owned());
    let input = AccountEdit { name, status };
    Ok(accounts::edit(&store.app, &store.caller.operator()?, id, &input, None).await?)
}
