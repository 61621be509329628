//! `claviger signing-key`: what access tokens are signed with.

use claviger_model::apis::SigningAlgorithm;
use claviger_model::ids::SigningKeyId;
use claviger_service::signing_keys;
use claviger_web::api::signing_keys::SigningKey;
use serde_json::Value;

use crate::exit::{Exit, Failure};
use crate::screen::{Column, Screen, Shown};
use crate::store::{Store, StoreArguments, object};

const COLUMNS: [Column; 6] = [
    ("id", "id", Shown::Plain),
    ("algorithm", "algorithm", Shown::Plain),
    ("status", "status", Shown::Plain),
    ("created_at", "created", Shown::Time),
    ("signs_from", "signs from", Shown::Time),
    ("published_until", "published until", Shown::Time),
];

/// The keys that sign access tokens
#[derive(clap::Args, Debug)]
pub(crate) struct SigningKeyArguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(subcommand)]
    command: SigningKeyCommand,
}

#[derive(clap::Subcommand, Debug)]
enum SigningKeyCommand {
    /// List signing keys, those of before too
    List,
    /// Publish the next key; it signs when every verifier must know it
    Rotate {
        /// The algorithm, as the list shows it; the instance's own when left out
        #[arg(long)]
        algorithm: Option<String>,
    },
    /// Unpublish a key that somebody else may have: when this ends, no node accepts its tokens
    Withdraw {
        /// Its id
        key: String,
    },
}

/// Runs the command.
pub(crate) async fn run(arguments: SigningKeyArguments, screen: Screen) -> Result<Exit, Failure> {
    let SigningKeyArguments { store, command } = arguments;
    store
        .with(async |store| act(store, command, screen).await)
        .await
}

async fn act(store: &Store, command: SigningKeyCommand, screen: Screen) -> Result<Exit, Failure> {
    let access = store.caller.operator()?;
    match command {
        SigningKeyCommand::List => {
            let found = signing_keys::list(&store.app, &access).await?;
            let rows: Result<Vec<Value>, Failure> = found
                .into_iter()
                .map(|listed| object(&SigningKey::from(listed)))
                .collect();
            let empty = "no signing key yet; the server makes one when it starts";
            screen.list(&COLUMNS, &rows?, empty)?;
        }
        SigningKeyCommand::Rotate { algorithm } => {
            let algorithm = algorithm.as_deref().map(parsed).transpose()?;
            let made = signing_keys::rotate(&store.app, &access, algorithm, None).await?;
            screen.object(&COLUMNS, &object(&SigningKey::from(made))?)?;
        }
        SigningKeyCommand::Withdraw { key } => {
            let id: SigningKeyId = key.parse().map_err(|_| {
                let message = format!("{key} is no signing key's id");
                Failure::new(Exit::Usage, message).hint("`claviger signing-key list` shows them")
            })?;
            signing_keys::withdraw(&store.app, &access, id).await?;
            screen.done(&format!(
                "withdrew {id}: no node accepts a token that it signed any more"
            ))?;
        }
    }
    Ok(Exit::Done)
}

fn parsed(word: &str) -> Result<SigningAlgorithm, Failure> {
    SigningAlgorithm::parse(word).ok_or_else(|| {
        let words = SigningAlgorithm::ALL.map(SigningAlgorithm::as_str);
        let message = format!("--algorithm {word}: must be one of {}", words.join(", "));
        Failure::new(Exit::Usage, message)
    })
}
