//! `claviger legacy-key`: the one legacy key of an account.

use claviger_service::access::KeyAccess;
use claviger_service::legacy_keys;
use claviger_web::api::legacy_key::LegacyKey;

use crate::exit::{Exit, Failure};
use crate::screen::{Column, Screen, Shown};
use crate::store::{Store, StoreArguments, object};

const WHOLE: [Column; 6] = [
    ("id", "id", Shown::Plain),
    ("hint", "hint", Shown::Plain),
    ("account_id", "account", Shown::Plain),
    ("created_by", "created by", Shown::Plain),
    ("created_at", "created", Shown::Time),
    ("deprecated", "deprecated", Shown::Plain),
];

/// The legacy key of an account: without scopes, without end, deprecated
#[derive(clap::Args, Debug)]
pub(crate) struct LegacyKeyArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The account's id or exact name; the only one when left out
    #[arg(long, global = true)]
    account: Option<String>,
    #[command(subcommand)]
    command: LegacyKeyCommand,
}

#[derive(clap::Subcommand, Debug)]
enum LegacyKeyCommand {
    /// Show the account's legacy key; never its secret
    Show,
    /// Make the account's legacy key; it alone is printed on standard output
    Generate,
    /// Revoke the account's legacy key for good: when this ends, no node accepts it any more
    Revert,
}

/// Runs the command.
pub(crate) async fn run(arguments: LegacyKeyArguments, screen: Screen) -> Result<Exit, Failure> {
    let LegacyKeyArguments {
        store,
        account,
        command,
    } = arguments;
    let act = async |store: &Store| {
        let account = store.account(account.as_deref()).await?;
        let access = store.caller.key_access_to(account.id)?;
        match command {
            LegacyKeyCommand::Show => show(store, &access, screen).await?,
            LegacyKeyCommand::Generate => generate(store, &access, screen).await?,
            LegacyKeyCommand::Revert => {
                legacy_keys::revert(&store.app, &access).await?;
                screen.done(&format!(
                    "{} has no legacy key any more: no node accepts it",
                    account.name
                ))?;
            }
        }
        Ok(Exit::Done)
    };
    store.with(act).await
}

async fn show(store: &Store, access: &KeyAccess, screen: Screen) -> Result<(), Failure> {
    let found = legacy_keys::show(&store.app, access).await;
    let key = found.map_err(|error| {
        let failure = Failure::from(error);
        match failure.exit {
            Exit::NotFound => failure.hint("`claviger legacy-key generate` makes one"),
            _ => failure,
        }
    })?;
    screen.object(&WHOLE, &object(&LegacyKey::read(&store.app, key).await?)?)
}

async fn generate(store: &Store, access: &KeyAccess, screen: Screen) -> Result<(), Failure> {
    let made = legacy_keys::generate(&store.app, access, None).await;
    let made = made.map_err(|error| {
        let failure = Failure::from(error);
        match failure.exit {
            Exit::Conflict => failure.hint("`claviger legacy-key revert` revokes it"),
            _ => failure,
        }
    })?;
    if screen.is_json {
        let shape = LegacyKey::made(&store.app, made.key, made.plaintext).await;
        return screen.data(&object(&shape)?.to_string());
    }
    if let Some(plaintext) = &made.plaintext {
        screen.data(plaintext.expose())?;
    }
    screen.note(&format!(
        "Made {}. The key is not shown again. Legacy keys are deprecated: `claviger key create` \
         makes one with scopes.",
        made.key.id
    ));
    Ok(())
}
